// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/worker.hpp"
#include "handoff/state.hpp"
#include "master/group/listeners.hpp"
#include "os/spawn.hpp"

#include <memory>

namespace einhyrningsins::master {

/// What the workers of one generation are made from. It never changes, and is shared by all that
/// need it. A listener is open as long as a release has it.
struct release {
    os::spawn_plan plan;
    listener_list listeners; ///< whose descriptors the plan has
};

using shared_release = std::shared_ptr<const release>;

/// From a recipe to which only the descriptors are missing: those are the listeners'.
shared_release make_release(os::spawn_recipe recipe, listener_list listeners);
/// The recipe, complete.
os::spawn_recipe recipe_of(const release& from);
/// The same for another master.
handoff::recipe hand_over(core::generation number, const release& from);

} // namespace einhyrningsins::master
