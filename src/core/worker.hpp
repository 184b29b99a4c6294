// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/policy.hpp"
#include "core/time.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace einhyrningsins::core {

/// Names a worker for as long as the master lives: never used again, unlike a pid.
enum class worker_id : std::uint64_t {};

/// Begins at 1 and goes up by one with every upgrade; 0 before the group was started.
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
    kind_type kind = kind_type::unknown;
    int number = 0;
    bool core_dumped = false;
    bool operator==(const exit_cause&) const = default;
};

/// "exit code 3", "SIGSEGV, core dumped".
std::string to_string(const exit_cause& cause);

/// Whether no other worker is wanted in the place of one that has ended so, by itself.
bool ends_for_good(const exit_cause& cause, restart_policy wish);

/// The life of a worker. Legal moves:
///
///     starting -> ready       it has acked
///     starting -> stopping    it was told to go before its ack
///     ready    -> stopping    it was told to go
///
/// and from each of them out of the table when the process has ended.
enum class worker_state { starting, ready, stopping };

const char* to_string(worker_state state);
bool is_legal_move(worker_state from, worker_state to);

/// Between SIGTERM and SIGKILL (SPEC 3, --signal-timeout).
constexpr duration grace_before_kill = std::chrono::seconds(10);

/// How long a worker that was told to go may take before it is told more firmly.
enum class haste {
    patient, ///< --signal-timeout
    hurried  ///< grace_before_kill
};

/// What a worker was told when it had to go.
struct dismissal {
    int signal = 0; ///< the last one sent; 0: the stop command was to tell it
    time_point at;
    haste how = haste::patient;

    /// When the next, firmer signal is due; nothing if there is none or no wish for it.
    std::optional<time_point> deadline(const policy& wishes) const;
    /// SIGTERM after anything milder, SIGKILL after SIGTERM (SPEC 3, --signal-timeout), unless it
    /// is to be SIGKILL in any case.
    int next_signal(const policy& wishes) const;
};

/// One worker's record in the process table of its group.
struct worker {
    worker_id id{};
    unsigned index = 0; ///< EINHORN_CHILD_INDEX
    core::generation generation = 0;
    worker_state state = worker_state::starting;
    process_id pid = 0;           ///< 0 until the shell has spawned it
    bool spawn_requested = false; ///< the shell was asked to
    unsigned restarts = 0;        ///< how often a worker of this index died without being told to
    time_point since;             ///< when it was spawned; before that, when it was wished for
    bool spoke = false;           ///< it sent an ack, which a timer did not ask for
    bool overdue = false;         ///< told to go because its ack or sign of life was missing
    dismissal told;               ///< of a stopping worker
    std::optional<time_point> acked_at;
    std::optional<time_point> touched_at; ///< its last sign of life
    std::optional<time_point> pinged_at;
    std::string ping_id;

    bool active() const { return state != worker_state::stopping; }
};

/// When a starting worker's time is over: for a timer that is its ack, otherwise its failure.
/// Nothing if it may start for ever.
std::optional<time_point> ack_deadline(const worker& who, const ack_policy& ack);

/// When a ready worker has last shown that it lives: by its ack, or by a sign of life after it.
time_point last_sign_of_life(const worker& who);

/// When the next sign of life is overdue; nothing if none is asked for.
std::optional<time_point> live_deadline(const worker& who, const policy& wishes);

} // namespace einhyrningsins::core
