// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/worker.hpp"
#include "handoff/state.hpp"
#include "master/group/group_context.hpp"
#include "os/look_up.hpp"
#include "os/spawn.hpp"

#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::master {

class group_services;

/// The program of the workers of `wishes`, looked for in the PATH that they get.
os::result<std::string> find_program(const config::group_settings& wishes,
                                     const surroundings& around);
/// The same as what is to be looked up.
os::query::program program_query(const config::group_settings& wishes, const surroundings& around);
/// Whom they run as.
os::query::account account_query(const config::group_settings& wishes);

/// What the workers of a generation are made from, as the settings are now, beside their listeners.
os::result<os::spawn_recipe> make_worker_recipe(const group_context& of,
                                                const group_services& services,
                                                core::generation number);

/// What another program that runs for the group is made from: it has the surroundings of a worker,
/// but nothing that belongs to a worker alone.
os::result<os::spawn_recipe> make_helper_recipe(const group_context& of,
                                                const group_services& services,
                                                const std::vector<std::string>& words);

/// Whether workers of that identity run as another user than this process.
bool runs_as_another(const std::optional<os::identity>& who);

} // namespace einhyrningsins::master
