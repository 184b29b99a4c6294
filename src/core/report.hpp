// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/event.hpp"
#include "core/worker.hpp"

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace einhyrningsins::core {

/// How one attempt to start a worker failed.
struct failure {
    process_id pid = 0; ///< 0 if there was no process
    unsigned index = 0;
    std::string cause; ///< "exit code 1", "no ack", "exec /bin/x: No such file or directory"
    duration age{};
};
BOOST_DESCRIBE_STRUCT(failure, (), (pid, index, cause, age))

/// What an operator wants to know, as data.
///
/// Each event::upgrade is answered by one of upgrade_began, upgrade_joined, upgrade_overtaken,
/// upgrade_put_off and upgrade_refused. After any but the last whoever asked waits for the next
/// upgrade_done or upgrade_aborted: there is exactly one, whatever happens to the group meanwhile.
namespace report_of {

struct worker_started {
    core::worker worker;
};

struct worker_acked {
    core::worker worker;
    duration after;
};

/// `expected`: it had been told to go.
struct worker_died {
    core::worker worker;
    exit_cause cause;
    duration age;
    bool expected;
    bool for_good = false; ///< restart_policy wants no other in its place
};

struct ack_overdue {
    core::worker worker;
    duration after;
};

struct start_failed {
    unsigned index;
    core::generation generation;
    std::string reason;
    bool scarce;
};

/// Nothing is started for `delay`, because of `failures` in a row.
struct backing_off {
    unsigned failures;
    duration delay;
};

/// A worker that was told to go and stayed was sent a firmer signal.
struct escalated {
    core::worker worker;
    int signal;
    duration after;
};

struct gave_up {
    unsigned failures;
};

/// A program of the user's runs before the upgrade, and may forbid it.
struct upgrader_began {
    std::string program;
    process_id pid;
};

/// It has nothing against it.
struct upgrader_done {};

/// All that an upgrade has to wait for has been done: the answer to event::upgrade follows. Comes
/// right before each such answer, and is meant for all who have asked since the last one and were
/// not told of an upgrade_cancelled.
struct upgrade_prepared {
    std::uint64_t number; ///< of the event, see group::upgrades_asked(). It is told later than the
                          ///< event: who has asked in between waits for the next one.
};

/// The upgrade that was asked for does not begin.
struct upgrade_cancelled {
    std::string reason;
};

/// The answer to event::upgrade while the group cannot be upgraded: nothing has begun.
struct upgrade_refused {
    std::string reason;
};

/// The answer to event::upgrade when an upgrade serves it that was asked for before: the one under
/// way, to `generation`, or, if `next`, the one that follows it.
struct upgrade_joined {
    core::generation generation;
    bool next;
};

/// An upgrade was asked for during a restart, or a restart during an upgrade: it begins when the
/// last worker has gone.
struct upgrade_put_off {};

struct upgrade_began {
    upgrade_mode mode;
    core::generation generation;
    unsigned of;
};

struct upgrade_advanced {
    core::generation generation;
    unsigned acked;
    unsigned of;
};

/// New workers have to wait for old ones that linger, because of --max-upgrade-additional.
struct upgrade_held {
    core::generation generation;
    unsigned lingering;
};

/// Another upgrade was asked for: it will start over with a new generation.
struct upgrade_overtaken {
    core::generation generation;
};

struct upgrade_done {
    core::generation generation;
};

struct upgrade_aborted {
    core::generation generation;
    std::string reason;
    std::vector<failure> failures;   ///< the last row of them, from the first to the last
    std::optional<unsigned> serving; ///< ready workers that stay; nothing: the whole group stops
};

/// A ready worker gave no sign of life for `silent`; it is killed and replaced.
struct live_check_missed {
    core::worker worker;
    duration silent;
};

/// The group is open and will start later: after `warmup`, and, if `for_client`, not before the
/// first one.
struct waiting {
    bool for_client;
    duration warmup;
};

/// The last worker of a group that was stopped has gone.
struct stopped {};

/// The last worker has ended by itself, and restart_policy wants no other: the group has stopped.
struct ended {};

} // namespace report_of

using report =
    std::variant<report_of::worker_started, report_of::worker_acked, report_of::worker_died,
                 report_of::ack_overdue, report_of::start_failed, report_of::backing_off,
                 report_of::escalated, report_of::gave_up, report_of::upgrader_began,
                 report_of::upgrader_done, report_of::upgrade_prepared,
                 report_of::upgrade_cancelled, report_of::upgrade_refused,
                 report_of::upgrade_joined, report_of::upgrade_put_off, report_of::upgrade_began,
                 report_of::upgrade_advanced, report_of::upgrade_held, report_of::upgrade_overtaken,
                 report_of::upgrade_done, report_of::upgrade_aborted, report_of::live_check_missed,
                 report_of::waiting, report_of::stopped, report_of::ended>;

enum class severity { debug, info, warning, error };
BOOST_DESCRIBE_ENUM(severity, debug, info, warning, error)

/// What a report is about, for those who search logs. What does not apply is left out.
struct subject {
    std::string_view event = {};        ///< the kind of the report, as "worker_died"
    std::optional<unsigned> index = {}; ///< of the worker
    process_id pid = 0;                 ///< of the worker; 0: none
    core::generation generation = 0;    ///< of the worker, or that an upgrade leads to; 0: none
};
subject subject_of(const report& news);

/// How much a report matters to someone who reads the log.
severity severity_of(const report& news);

/// The report in one line, without the group's name: what happened, to whom, what comes next.
std::string to_string(const report& news);

/// "350 ms", "1.5 s", "2 min 3 s", "5 h 10 min".
std::string to_string(duration length);

} // namespace einhyrningsins::core
