// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/worker.hpp"

#include <string>
#include <variant>

namespace einhyrningsins::core {

enum class upgrade_mode {
    rolling, ///< each ack of a new worker sends one old worker away
    fleet    ///< when all new workers have acked, all old ones are sent away
};

const char* to_string(upgrade_mode mode);

/// What happened outside: the shell tells the group, which then decides.
namespace event {

/// The operator wants the group to run. Ends `stopped` and `given_up`.
struct start {};

/// All workers are sent `signal`, and none is started again. May be repeated with a firmer signal.
struct stop {
    int signal;
};

/// As stop, but started again, in a new generation, when the last worker has gone.
struct restart {};

/// `signal` goes to every living worker; what they make of it is their affair.
struct forward {
    int signal;
};

struct upgrade {
    upgrade_mode mode;
};

/// The number of workers wanted from now on; at least 1.
struct resize {
    unsigned number;
};

/// New wishes; `number` included. Holds from now on, also for workers that are already there.
struct reconfigure {
    core::policy policy;
};

/// The answer to action::spawn.
struct spawned {
    worker_id id;
    process_id pid;
};

/// The other answer to action::spawn. `scarce`: the machine had no room for it, the program is not
/// to blame.
struct spawn_failed {
    worker_id id;
    std::string reason;
    bool scarce;
};

struct exited {
    process_id pid;
    exit_cause cause;
};

/// A message of the worker that it is up.
struct acked {
    process_id pid;
};

struct pinged {
    process_id pid;
    std::string request_id;
};

} // namespace event

using event_type = std::variant<event::start, event::stop, event::restart, event::forward,
                                event::upgrade, event::resize, event::reconfigure, event::spawned,
                                event::spawn_failed, event::exited, event::acked, event::pinged>;

/// For the histories that the tests print.
std::string to_string(const event_type& what);

} // namespace einhyrningsins::core
