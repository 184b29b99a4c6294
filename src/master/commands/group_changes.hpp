// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "master/commands/access.hpp"
#include "protocol/order.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace einhyrningsins::master {

/// The number of workers that the group is to have, whatever it has.
unsigned worker_number(const group_runner& group);
/// Has the group have that many from now on.
void set_worker_number(group_runner& group, unsigned number);
/// What "inc", "dec" and "set_workers" make of the number; not held to any bound.
unsigned wanted_number(const protocol::order& what, const group_runner& group);

/// Why the group cannot be upgraded now, to be said after "GROUP is "; empty: it can.
std::string why_not_upgradable(const core::group& group);

/// Names of options with the values for each, see config::change_at_run_time.
using option_changes = std::vector<std::pair<std::string, std::vector<std::string>>>;

/// Changes options of all `groups`, or of none: then it returns what is wrong.
std::optional<std::string> change_options(const group_selection& groups,
                                          const option_changes& changes);

} // namespace einhyrningsins::master
