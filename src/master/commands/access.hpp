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

/// Some of the master's groups, for a command that applies to each of them.
using group_selection = std::vector<group_runner*>;

/// The groups of these names, in the order of the list; all, if no name is given.
group_selection select(const group_list& groups, const std::vector<std::string>& names);

/// The group of that name; all, if it is empty.
group_selection select_named(const group_list& groups, const std::string& name);

/// The complaint about a name that no group has, with the most similar one.
std::string no_such_group(const group_list& groups, const std::string& name);

/// Whether `who` may do everything: root, the master's own user, and members of `operators` (SPEC
/// section 8).
bool is_operator(const os::peer& who, std::optional<gid_t> operators);

} // namespace einhyrningsins::master
