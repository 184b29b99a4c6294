// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/worker.hpp"
#include "master/group/group_runner.hpp"
#include "os/credentials.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::master {

using group_list = std::vector<std::unique_ptr<group_runner>>;

/// Some groups, for a deed that is done to each of them; they are the master's.
using group_selection = std::vector<group_runner*>;

/// The groups of these names, in the order of the list; all, if no name is given.
group_selection select(const group_list& groups, const std::vector<std::string>& names);

/// What is said of a name that is no group's, with the nearest one.
std::string no_such_group(const group_list& groups, const std::string& name);

/// The live worker that `pid` is or descends from, with its group; nullptr if there is none. See
/// group_context::worker_above().
struct found_worker {
    group_runner* runner = nullptr;
    core::process_id pid = 0;
    explicit operator bool() const { return runner != nullptr; }
};
found_worker worker_above(const group_list& groups, core::process_id pid);

/// The live worker with exactly this pid.
found_worker worker_with(const group_list& groups, core::process_id pid);

/// Whether `who` may do everything: root, the master's own user, and members of `operators` (SPEC
/// section 8).
bool is_operator(const os::peer& who, std::optional<gid_t> operators);

/// Whether workers of that group run as another user than this process.
bool runs_as_another(const config::group_settings& wishes);

} // namespace einhyrningsins::master
