// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/time.hpp"

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <csignal>
#include <optional>
#include <variant>

namespace einhyrningsins::core {

// When a worker counts as up: --ack-mode, and `ack` of a file (SPEC 3 and 6).

/// The worker sends a message to the control socket.
struct ack_manual {
    /// From the start of the worker; after that the attempt has failed. Zero: no limit.
    duration timeout = std::chrono::seconds(30);
    bool operator==(const ack_manual&) const = default;
};

/// The worker has survived for some time.
struct ack_timer {
    duration survive = std::chrono::seconds(1);
    bool operator==(const ack_timer&) const = default;
};

/// The worker sends READY=1 to NOTIFY_SOCKET, see sd_notify(3); `timeout` as in ack_manual.
struct ack_notify {
    duration timeout = std::chrono::seconds(30);
    bool operator==(const ack_notify&) const = default;
};

/// Nothing is waited for: a worker is up when it has been started, and an upgrade stops the old
/// workers before it starts new ones (SPEC 6, `ack`).
struct ack_none {
    bool operator==(const ack_none&) const = default;
};

using ack_policy = std::variant<ack_timer, ack_manual, ack_notify, ack_none>;

/// Whether a worker acks without sending a message.
bool comes_with_time(const ack_policy& ack);

/// Whether a worker that has ended without being told to is started again (SPEC 6, `restart`).
enum class restart_policy {
    never,
    on_failure, ///< unless its exit code was 0
    always
};
BOOST_DESCRIBE_ENUM(restart_policy, never, on_failure, always)

/// What the user wants of one group: the options of SPEC section 3 and the keys of section 6 that
/// the state machine obeys. Can be changed at any time, see group::change.
struct policy {
    unsigned number = 1; ///< workers to run, at least 1
    ack_policy ack;
    /// The group gives up when more attempts than that have failed in a row; nothing: never.
    std::optional<unsigned> retries;
    duration seconds = std::chrono::seconds(1); ///< base of the back-off, see back_off()
    int stop_signal = SIGUSR2;                  ///< tells a worker to exit
    /// From the stop signal to SIGTERM, which is followed by SIGKILL after 10 s; zero: never.
    duration signal_timeout = std::chrono::seconds(60);
    bool kill_at_timeout = false; ///< SIGKILL at once after signal_timeout, without SIGTERM
    unsigned max_unacked = 1;     ///< most new workers without an ack at any time, at least 1
    /// Most workers beyond `number` in a rolling upgrade, at least 1; nothing: no limit.
    std::optional<unsigned> max_upgrade_additional;
    restart_policy restart = restart_policy::always;
    bool on_demand = false; ///< the group starts with its first client
    duration warmup{};      ///< from the opening of the group to its start
    duration live_check{};  ///< most time between signs of life of a ready worker; zero: no check
    bool stop_command = false; ///< a stop begins with a command instead of the stop signal
    bool operator==(const policy&) const = default;
};
BOOST_DESCRIBE_STRUCT(policy, (),
                      (number, ack, retries, seconds, stop_signal, signal_timeout, kill_at_timeout,
                       max_unacked, max_upgrade_additional, restart, on_demand, warmup, live_check,
                       stop_command))

/// How long a group waits after `deaths` (at least 1) deaths before ack in a row: `base` times 1.5
/// to the power of `deaths` - 1, at most 30 s, times 0.9 to 1.1 as `jitter` goes from 0 to 1
/// (SPEC 7.3).
duration back_off(duration base, unsigned deaths, double jitter);

/// Deaths before ack in a row that end an upgrade (SPEC 7.4): `retries`, by default 5, never less
/// than 1; the first one if a worker that has ended is not to be started again.
unsigned upgrade_failure_limit(const policy& wishes);

/// A ready worker is replaced at once, so a program that dies right after its ack would be started
/// thousands of times a second. `deaths` is how many ready workers in a row have died, without
/// being told to and for any reason, within `rapid_death` of their start. Returns by how many that
/// exceeds what is tolerated, 100 plus twice the number of workers; 0 if it does not. Each death in
/// excess is followed by a back-off, as after that many deaths before ack in a row (SPEC 7.3).
unsigned crash_loop_length(unsigned deaths, const policy& wishes);
constexpr duration rapid_death = std::chrono::seconds(1);

/// The workers of a group as a rolling upgrade counts them. "Fresh" ones are of the new generation;
/// "active" ones have not been told to exit.
struct census {
    unsigned fresh_active = 0;
    unsigned fresh_unacked = 0; ///< of the active
    unsigned fresh_ready = 0;   ///< of the active
    unsigned old_active = 0;
    unsigned wanted = 0;   ///< of the fresh: the policy's number less those that ended for good
    unsigned existing = 0; ///< all that live, of every generation, told to exit or not
};

/// Whether an upgrade has brought all the workers that it was to bring.
bool is_complete(const census& count);

/// How many more workers of the new generation may be started now: in a rolling upgrade
/// (`upgrading`), or to replace lost ones. At most `max_unacked` are without an ack, and in an
/// upgrade at most `max_upgrade_additional` exist beyond the wanted number (SPEC 7.3, 7.4).
unsigned spawns_allowed(const census& count, const policy& wishes, bool upgrading);

/// How many old workers an upgrade may tell to exit now. Each ack of a new worker frees one old
/// one; none goes before the first ack (SPEC 7.4).
unsigned retirements_allowed(const census& count);

} // namespace einhyrningsins::core
