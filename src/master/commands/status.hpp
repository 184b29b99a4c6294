// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/time.hpp"
#include "master/group/group_runner.hpp"

#include <boost/json/object.hpp>

namespace einhyrningsins::master {

/// "waiting|running|upgrading|stopping|stopped|given_up", as `status` calls it (SPEC section 8).
const char* state_name(const core::group& group);

/// What a waiting group waits for: its first client, or the end of its warm-up. Empty: it does not
/// wait.
std::string awaited(const core::group& group);

class master;

/// The entry of the master in the `data` of `status`.
boost::json::object master_status(const master& everything, core::time_point now);

/// The entry of one group in the `data` of `status` (SPEC section 8), made in `memory`.
boost::json::object group_status(const group_runner& runner, core::time_point now,
                                 const boost::json::storage_ptr& memory);

/// The entry of one group in the `data` of `state`: its table and settings as they are, for those
/// who look for the reason of something.
boost::json::object group_state(const group_runner& runner, core::time_point now,
                                const boost::json::storage_ptr& memory);

} // namespace einhyrningsins::master
