// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/worker.hpp"

#include <boost/describe/enum.hpp>

#include <optional>
#include <string>
#include <variant>

namespace einhyrningsins::core {

enum class upgrade_mode {
    rolling, ///< each ack of a new worker sends one old worker away
    fleet    ///< when all new workers have acked, all old ones are sent away
};
BOOST_DESCRIBE_ENUM(upgrade_mode, rolling, fleet)

const char* to_string(upgrade_mode mode);

/// What happened outside: the shell tells the group, which then decides. News of workers that are
/// not in the table, and answers that were given before, are ignored.
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

/// As stop, with `signal` or else by the stop signal, but the group is started again, in a new
/// generation, when the last worker has gone.
struct restart {
    std::optional<int> signal;
};

/// `signal` is sent to every worker that has a process. It is not meant to end them.
struct forward {
    int signal;
};

/// `signal`, or else the stop signal, tells the workers to go that this upgrade replaces.
struct upgrade {
    upgrade_mode mode;
    std::optional<int> signal;
    bool operator==(const upgrade&) const = default;
};

/// The number of workers wanted from now on; at least 1. `signal`, or else the stop signal, tells
/// those to go that are too many now.
struct resize {
    unsigned number;
    std::optional<int> signal;
};

/// A new policy, `number` included. Holds from now on, also for workers that are already there.
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

/// The worker's process has ended; from here on its pid may be another's.
struct exited {
    worker_id id;
    exit_cause cause;
};

/// A message of the worker that it is up. `signal`, if there is one, tells the old workers to go
/// that an upgrade needs no longer with this ack, instead of the upgrade's signal.
struct acked {
    worker_id id;
    std::optional<int> signal;
};

/// The worker has shown a sign of life, see policy::live_check.
struct touched {
    worker_id id;
};

/// The worker has sent a ping, which is remembered for einhorn's state.
struct pinged {
    worker_id id;
    std::string request_id;
};

/// The master did not run for `length`, until now. What workers sent meanwhile may still be unread,
/// and they may have been held up themselves: the deadlines that they have to keep (for their ack,
/// their next sign of life, their end after a signal) move by as much. Back-offs do not.
struct stalled {
    duration length;
};

/// For `length` from now on the master accepts no client. Acks that come by a connection have to
/// wait: the deadlines for them move by as much.
struct unheard {
    duration length;
};

} // namespace event

using event_type = std::variant<event::open, event::demanded, event::start, event::stop,
                                event::stop_command_failed, event::restart, event::forward,
                                event::upgrade, event::resize, event::reconfigure, event::spawned,
                                event::spawn_failed, event::exited, event::acked, event::touched,
                                event::pinged, event::stalled, event::unheard>;

/// The upgrade that serves both requests, so that neither loses what it has asked for: of the fleet
/// if one of them is, since rolling is what those get who do not choose; by the signal that one of
/// them names, the later one's if both do.
event::upgrade joined(const event::upgrade& earlier, const event::upgrade& later);

/// For the histories that the tests print.
std::string to_string(const event_type& event);

} // namespace einhyrningsins::core
