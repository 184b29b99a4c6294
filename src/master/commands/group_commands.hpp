// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "master/commands/group_changes.hpp"
#include "master/commands/status.hpp"
#include "protocol/order.hpp"
#include "protocol/reply.hpp"

#include <vector>

namespace einhyrningsins::master {

class master;

/// What commands do to groups, and to the master, where the answer is given at once: all of them
/// but upgrades and reloads (upgrade_commands) and those of workers.
class group_commands {
  public:
    explicit group_commands(master& everything) : master_(everything) {}

    /// Does what an operator has asked for, in our own words (SPEC section 8).
    protocol::reply carry_out(const protocol::order& what, const group_selection& groups);

  private:
    using order = protocol::order;
    using reply = protocol::reply;

    reply status(const group_selection& groups) const;
    reply state(const group_selection& groups) const;
    boost::json::value describe(const group_selection& groups,
                                decltype(group_status) describe_group) const;
    reply list(const group_selection& groups) const;
    reply resize(const order& what, const group_selection& groups);
    reply start(const group_selection& groups);
    reply stop(const order& what, const group_selection& groups);
    reply forward(const std::vector<int>& signals, const group_selection& groups);
    reply die(const order& what);
    reply change(const order& what, const group_selection& groups);
    reply change_level(int steps);

    master& master_;
};

} // namespace einhyrningsins::master
