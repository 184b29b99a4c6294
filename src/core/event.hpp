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

/// The master has come up: a stopped group is to start as its policy says, at once, after `warmup`,
/// or with its first client.
struct open {};

/// A client has connected to a listener of a group that awaits it, see group::awaits_demand.
struct demanded {};

/// The operator wants the group to run now. Ends `stopped`, `waiting` and `given_up`.
struct start {};

/// All workers are sent `signal`, and none is started again. May be repeated with a firmer signal.
/// If the policy has a stop command it takes the place of the stop signal, unless the signal is
/// meant as such.
struct stop {
    int signal;
    bool as_such = false;
};

/// What action::run_stop_command asked for could not be run, or has failed: the workers that are
/// still there are sent the stop signal after all.
struct stop_command_failed {};

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

/// The worker has shown a sign of life, see policy::live_check.
struct touched {
    process_id pid;
};

struct pinged {
    process_id pid;
    std::string request_id;
};

} // namespace event

using event_type =
    std::variant<event::open, event::demanded, event::start, event::stop,
                 event::stop_command_failed, event::restart, event::forward, event::upgrade,
                 event::resize, event::reconfigure, event::spawned, event::spawn_failed,
                 event::exited, event::acked, event::touched, event::pinged>;

/// For the histories that the tests print.
std::string to_string(const event_type& what);

} // namespace einhyrningsins::core
