// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/time.hpp"

#include <csignal>
#include <optional>
#include <variant>

namespace einhyrningsins::core {

/// The worker sends a message that it is up; it has `timeout` to do so, zero meaning for ever.
struct ack_manual {
    duration timeout = std::chrono::seconds(30);
};

/// A worker that has survived for this long is up.
struct ack_timer {
    duration survive = std::chrono::seconds(1);
};

/// The worker sends READY=1 to NOTIFY_SOCKET, see sd_notify(3); `timeout` as in ack_manual.
struct ack_notify {
    duration timeout = std::chrono::seconds(30);
};

/// Nothing is waited for: a worker is up when it has been started, and an upgrade stops the old
/// workers before it starts new ones (SPEC 6, `ack`).
struct ack_none {};

using ack_policy = std::variant<ack_timer, ack_manual, ack_notify, ack_none>;

/// Whether the ack needs no message.
bool comes_with_time(const ack_policy& ack);

/// Whether a worker that has ended without being told to is started again (SPEC 6, `restart`).
enum class restart_policy {
    never,
    on_failure, ///< unless its exit code was 0
    always
};

/// The wishes that steer one group: the options of SPEC section 3 that the state machine obeys.
struct policy {
    unsigned number = 1; ///< workers to run
    ack_policy ack;
    std::optional<unsigned> retries;                    ///< nothing: never give up
    duration seconds = std::chrono::seconds(1);         ///< base of the back-off
    int stop_signal = SIGUSR2;                          ///< tells a worker to go
    duration signal_timeout = std::chrono::seconds(60); ///< until SIGTERM; zero: never
    bool kill_at_timeout = false; ///< what comes after signal_timeout is SIGKILL at once
    unsigned max_unacked = 1;
    std::optional<unsigned> max_upgrade_additional;
    restart_policy restart = restart_policy::always;
    bool on_demand = false;    ///< the group starts with its first client
    duration warmup{};         ///< before the group starts
    duration live_check{};     ///< a ready worker must show a sign of life that often; zero: never
    bool stop_command = false; ///< a stop is begun by running a command instead of a signal
};

/// How long a group waits after `deaths` (at least 1) deaths before ack in a row: `base` times 1.5
/// to the power of `deaths` - 1, at most 30 s, times 0.9 to 1.1 as `jitter` goes from 0 to 1
/// (SPEC 7.3).
duration back_off(duration base, unsigned deaths, double jitter);

/// Deaths before ack in a row that end an upgrade (SPEC 7.4): `retries`, by default 5, never less
/// than 1; the first one if a worker that has ended is not to be started again.
unsigned upgrade_failure_limit(const policy& wishes);

/// Whether `deaths` in a row of workers that acked and then ended by themselves within
/// `rapid_death` are a loop that must be slowed down: a program that dies right after its ack would
/// otherwise be started thousands of times a second, since a ready worker is replaced at once.
bool is_crash_loop(unsigned deaths, const policy& wishes);
constexpr duration rapid_death = std::chrono::seconds(1);

/// The workers of a group as a rolling upgrade counts them. "Fresh" ones are of the new generation;
/// "active" ones were not told to go.
struct census {
    unsigned fresh_active = 0;
    unsigned fresh_unacked = 0; ///< of the active
    unsigned fresh_ready = 0;   ///< of the active
    unsigned old_active = 0;
    unsigned wanted = 0;   ///< fresh ones: the policy's number less those that ended for good
    unsigned existing = 0; ///< all that live, of every generation, told to go or not
};

/// How many more workers of the new generation may be started now in a rolling upgrade or a refill.
unsigned spawns_allowed(const census& count, const policy& wishes, bool upgrading);

/// How many old workers an upgrade may tell to go now. Each ack of a new worker frees one old one;
/// none goes before the first ack (SPEC 7.4).
unsigned retirements_allowed(const census& count);

} // namespace einhyrningsins::core
