// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "master/commands/group_commands.hpp"
#include "protocol/order.hpp"
#include "protocol/reply.hpp"

#include <optional>
#include <vector>

namespace einhyrningsins::master {

class master;

/// The commands that einhorn has too do what ours of that name do, within einhorn's bounds and
/// answered in einhorn's words (SPEC section 8); the others are as ours.
class einhorn_commands : public group_commands {
  public:
    einhorn_commands(master& everything, upgrade_commands& upgrades, memory_survey& memory)
        : group_commands(everything, upgrades, memory),
          master_(everything) {}

    std::optional<protocol::reply> carry_out(const protocol::order& what,
                                             const protocol::request& asked,
                                             const group_selection& groups,
                                             const audience& who) override;

  private:
    using order = protocol::order;
    using reply = protocol::reply;

    reply decrease(const order& what, const group_selection& groups);
    reply resize(const order& what, const group_selection& groups);
    reply forward(const std::vector<int>& signals, const group_selection& groups);
    reply die(const order& what, const group_selection& groups);
    reply change(const order& what, const protocol::request& asked, const group_selection& groups);
    reply change_level(int steps);

    master& master_;
};

} // namespace einhyrningsins::master
