// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "master/commands/command_set.hpp"
#include "master/commands/group_changes.hpp"
#include "master/commands/memory_survey.hpp"
#include "master/commands/upgrade_commands.hpp"
#include "protocol/order.hpp"
#include "protocol/reply.hpp"

#include <vector>

namespace einhyrningsins::master {

class master;

/// What commands do, answered in our own words.
class group_commands : public command_set {
  public:
    /// All have to outlive it.
    group_commands(master& everything, upgrade_commands& upgrades, memory_survey& memory)
        : master_(everything),
          upgrades_(upgrades),
          memory_(memory) {}

    std::optional<protocol::reply> carry_out(const protocol::order& what,
                                             const protocol::request& asked,
                                             const group_selection& groups,
                                             const audience& who) override;
    void upgrade_after_reload(const handoff::request& what, const group_selection& groups,
                              std::shared_ptr<control_connection> client) override;

  private:
    using order = protocol::order;
    using reply = protocol::reply;

    void show(const order& what, bool wants_data, const group_selection& groups,
              const audience& who);
    reply describe(const order& what, const memory_survey::sizes& memory) const;
    reply list(const group_selection& groups) const;
    reply resize(const order& what, const group_selection& groups);
    reply start(const group_selection& groups);
    reply stop(const order& what, const group_selection& groups);
    reply forward(const std::vector<int>& signals, const group_selection& groups);
    reply die(const order& what);
    reply change(const order& what, const group_selection& groups);
    reply change_level(int steps);

    master& master_;
    upgrade_commands& upgrades_;
    memory_survey& memory_;
};

} // namespace einhyrningsins::master
