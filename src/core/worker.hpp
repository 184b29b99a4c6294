// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/policy.hpp"
#include "core/time.hpp"

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace einhyrningsins::core {

/// Names a worker for as long as the master lives: never used again, unlike a pid.
enum class worker_id : std::uint64_t {};

/// Begins at 1 and goes up by one with every start and every upgrade; 0 before the group was
/// started.
using generation = std::uint32_t;

/// A pid_t, without the header of the system.
using process_id = int;

/// How a process ended, as waitid(2) tells it.
struct exit_cause {
    enum class kind_type {
        exited,   ///< `number` is the exit code
        signaled, ///< `number` is the signal
        unknown   ///< somebody else has reaped it
    };
    BOOST_DESCRIBE_NESTED_ENUM(kind_type, exited, signaled, unknown)
    kind_type kind = kind_type::unknown;
    int number = 0;
    bool core_dumped = false;
    bool operator==(const exit_cause&) const = default;
};
BOOST_DESCRIBE_STRUCT(exit_cause, (), (kind, number, core_dumped))

/// "exit code 3", "SIGSEGV, core dumped".
std::string to_string(const exit_cause& cause);

/// Whether `restart` wants no successor for a worker that has ended by itself in this way.
bool ends_for_good(const exit_cause& cause, restart_policy restart);

/// Where a worker is in its life. The legal moves:
///
///     wanted ---> spawning ---> starting ---> ready
///                    |              |           |
///                    v              +-----+-----+
///                cancelled          |     v     |
///                    |              |  stopping_by_command
///                    v              v     |     v
///                 stopping <--------+-----+-----+
///
/// A worker leaves the table from any state but `wanted` by news from outside: while it is being
/// spawned because that failed, later because its process has ended. A wanted one is just dropped.
enum class worker_state {
    wanted,              ///< it is to be started; the shell has not been asked yet
    spawning,            ///< the shell was asked, and has not answered
    cancelled,           ///< likewise, but it is to go: it gets its signal as soon as it is there
    starting,            ///< its process is there; no ack has come
    ready,               ///< it has acked, and serves
    stopping_by_command, ///< the stop command is to end it; it has been sent no signal
    stopping             ///< it has been sent a signal that tells it to go
};

/// As an operator sees it: "starting" until the ack, "ready", "stopping" once it is to go.
const char* to_string(worker_state state);
bool is_legal_move(worker_state from, worker_state to);

/// Between SIGTERM and SIGKILL (SPEC 3, --signal-timeout).
constexpr duration grace_before_kill = std::chrono::seconds(10);

/// How long a worker that was told to go may take before it is told more firmly.
enum class haste {
    patient, ///< --signal-timeout
    hurried  ///< grace_before_kill
};
BOOST_DESCRIBE_ENUM(haste, patient, hurried)

/// What a worker was told when it had to go.
struct dismissal {
    int signal = 0; ///< the last one; 0: the stop command is to end it
    time_point at;
    haste how = haste::patient;

    /// When the next, firmer signal is due; nothing if there is none, or the policy wants none.
    /// `excused`: see worker.
    std::optional<time_point> deadline(const policy& policy, duration excused = {}) const;
    /// SIGTERM after anything milder, SIGKILL after SIGTERM (SPEC 3, --signal-timeout), unless it
    /// is to be SIGKILL in any case.
    int next_signal(const policy& policy) const;
};
BOOST_DESCRIBE_STRUCT(dismissal, (), (signal, at, how))

/// One worker's record in the process table of its group.
struct worker {
    worker_id id{};
    unsigned index = 0; ///< EINHORN_CHILD_INDEX
    core::generation generation = 0;
    worker_state state = worker_state::wanted;
    process_id pid = 0;    ///< 0 before it was spawned, see has_process()
    unsigned restarts = 0; ///< how often a worker of this index died without being told to
    time_point since;      ///< when it was spawned; before that, when it was first wanted
    bool spoke = false;    ///< it sent an ack, which a timer did not ask for
    bool overdue = false;  ///< told to go because its ack or sign of life was missing
    dismissal told;        ///< of one that is to go
    std::optional<time_point> acked_at;
    std::optional<time_point> touched_at; ///< its last sign of life
    std::optional<time_point> pinged_at;
    std::string ping_id;
    /// Time that does not count while the master waits for what the worker has to do next: its ack,
    /// its next sign of life, its end. The deadline for that is later by as much.
    duration excused{};

    /// It was not told to go.
    bool active() const;
    /// The shell owes an answer to action::spawn.
    bool is_being_spawned() const;
    bool has_process() const;
    bool is_ready() const { return state == worker_state::ready; }
    /// It is active and has not acked.
    bool is_unacked() const { return active() && !is_ready(); }
    /// Since when the master has been waiting for what a worker with a process has to do next.
    time_point waited_for_since() const;

    /// The one function that changes the state.
    void move_to(worker_state next);
    /// The shell has spawned it. One that was cancelled is `stopping` from here on.
    void spawned(process_id pid, time_point now);
    /// It is to go, by `signal`; 0: by the stop command. Not for a wanted one.
    void dismiss(int signal, haste how, time_point now);
    /// It has shown a sign of life.
    void touch(time_point now);
    /// Time of the length `stall`, up to now, does not count, as far as it was waited for in it.
    void excuse(duration stall, time_point now);
};
BOOST_DESCRIBE_STRUCT(worker, (),
                      (id, index, generation, state, pid, restarts, since, spoke, overdue, told,
                       acked_at, touched_at, pinged_at, ping_id, excused))

/// When a starting worker's time is over: for a timer that is its ack, otherwise its failure.
/// Nothing if it may start for ever.
std::optional<time_point> ack_deadline(const worker& worker, const ack_policy& ack);

/// When a ready worker has last shown that it lives: by its ack, or by a sign of life after it.
time_point last_sign_of_life(const worker& worker);

/// When the next sign of life is overdue; nothing if none is asked for.
std::optional<time_point> live_deadline(const worker& worker, const policy& policy);

/// When a worker that was told to go is to be told more firmly; nothing: never.
std::optional<time_point> stop_deadline(const worker& worker, const policy& policy);

} // namespace einhyrningsins::core
