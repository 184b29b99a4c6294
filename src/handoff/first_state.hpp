// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "handoff/state.hpp"

/// The state of a master without a predecessor. A start is a take-over of a state in which nothing
/// is open and nothing runs.
namespace einhyrningsins::handoff {

/// The state of a master that is started in `working_directory`.
state first_state(config::settings settings, std::string working_directory, core::time_point now);

/// The state of a group that has not been opened yet.
group first_state(config::group_settings settings);

} // namespace einhyrningsins::handoff
