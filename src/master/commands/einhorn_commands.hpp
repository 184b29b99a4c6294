// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "master/commands/access.hpp"
#include "master/control/control_connection.hpp"
#include "protocol/order.hpp"
#include "protocol/reply.hpp"

#include <optional>
#include <vector>

namespace einhyrningsins::master {

class master;

/// The commands that einhorn has too: they do what ours of that name do, within einhorn's bounds
/// and in einhorn's words (SPEC section 8).
class einhorn_commands {
  public:
    explicit einhorn_commands(master& everything) : master_(everything) {}

    /// Nothing: einhorn has no such command, or no words of its own for it. `what` is what `asked`
    /// means; its arguments have passed protocol::einhorn::complaint().
    std::optional<protocol::reply> carry_out(const protocol::order& what,
                                             const protocol::request& asked,
                                             const group_selection& groups);

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
