// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "master/commands/access.hpp"
#include "protocol/order.hpp"

#include <boost/system/result.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace einhyrningsins::master {

/// Opens a group that is to be started, see group_runner::open(). Returns true if that is done;
/// false if names have to be looked up first: then the group starts by itself; or what is wrong.
boost::system::result<bool, std::string> open_to_start(group_runner& group);
/// What is said of a group that starts by itself.
constexpr const char* starts_later = "looking up names; the log tells whether it can be started";

/// The number of workers that the group is to have, not how many there are.
unsigned worker_number(const group_runner& group);
/// Changes that number.
void set_worker_number(group_runner& group, unsigned number);
/// The number after "inc", "dec" or "set_workers"; its range is not checked.
unsigned wanted_number(const protocol::order& what, const group_runner& group);

/// What a group is that was told to stop because the file does not have it any more.
constexpr const char* being_removed = "being removed, because it is no longer in the file";

/// Why the group cannot be upgraded now, to be said after "GROUP is "; empty: it can.
std::string why_not_upgradable(const core::group& group);

/// Names of options with the values for each, see config::change_at_run_time.
using option_changes = std::vector<std::pair<std::string, std::vector<std::string>>>;

/// Changes options of all `groups`, or, if something is wrong, of none; then returns what it is.
std::optional<std::string> change_options(const group_selection& groups,
                                          const option_changes& changes);

} // namespace einhyrningsins::master
