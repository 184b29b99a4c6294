// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/report.hpp"
#include "core/worker.hpp"

#include <string>
#include <variant>

namespace einhyrningsins::core {

/// What the shell is to do, in this order.
namespace action {

/// From now on workers of `number` will be asked for: find program, environment and directory anew.
/// What was found for an older generation stays until no worker of it is left.
struct begin_generation {
    generation number;
};

/// Start a process and answer with event::spawned or event::spawn_failed.
struct spawn {
    worker_id id;
    unsigned index;
    core::generation generation;
};

/// Send a signal to a worker, unless it has ended meanwhile.
struct signal {
    worker_id id;
    int number;
    bool dismissal = false; ///< it tells the worker to go; otherwise the operator sends it as such
};

/// Run the command that stops the group, and answer with event::stop_command_failed if that cannot
/// be done or fails. The workers get no signal unless they stay.
struct run_stop_command {};

/// Tell the log and whoever waits for the outcome.
struct tell {
    report what;
};

} // namespace action

using action_type = std::variant<action::begin_generation, action::spawn, action::signal,
                                 action::run_stop_command, action::tell>;

/// For the histories that the tests print.
std::string to_string(const action_type& action);

} // namespace einhyrningsins::core
