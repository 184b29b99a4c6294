// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/worker.hpp"
#include "handoff/state.hpp"
#include "master/group/group_context.hpp"
#include "os/spawn.hpp"

#include <string>
#include <vector>

namespace einhyrningsins::master {

class group_services;

/// The program of the workers of `wishes`, looked for in the PATH that they get.
os::result<std::string> find_program(const config::group_settings& wishes,
                                     const surroundings& around);

/// What the workers of a generation are made from, as the settings are now.
os::result<os::spawn_recipe> make_worker_recipe(const group_context& of,
                                                const group_services& services,
                                                core::generation number);

/// What another program that runs for the group is made from: it has the surroundings of a worker,
/// but nothing that belongs to a worker alone.
os::result<os::spawn_recipe> make_helper_recipe(const group_context& of,
                                                const group_services& services,
                                                const std::vector<std::string>& words);

/// The recipe of a generation, for another master.
handoff::recipe hand_over_recipe(core::generation number, const os::spawn_plan& plan);
/// The recipe of another master; what it lacks is taken from the group as it is now.
os::result<os::spawn_recipe> take_over_recipe(const handoff::recipe& from, const group_context& of);

} // namespace einhyrningsins::master
