// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/policy.hpp"
#include "core/worker.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::simulation {

/// The signals that a process obeys.
enum class obedience {
    willing,   ///< any that asks it to stop
    reluctant, ///< SIGTERM and SIGKILL
    stubborn   ///< SIGKILL alone
};

/// How the processes of a generation behave.
struct program {
    /// When it sends its ack; nothing: never.
    std::optional<core::duration> acks_after = core::duration::zero();
    std::optional<core::duration> dies_after; ///< by itself; nothing: it runs until told to exit
    core::exit_cause ends_by{core::exit_cause::kind_type::exited, 1}; ///< then
    std::optional<core::duration> touches_every; ///< its signs of life; nothing: none
    bool exec_fails = false;
    /// Every process whose number in its generation is a multiple of this acks immediately and does
    /// not die by itself; 0: none.
    unsigned sound_every = 0;
    obedience heeds = obedience::willing;
    core::duration stop_takes{}; ///< from the signal that it obeys to its exit
};

/// What a stop command does.
enum class command_kind { works, hangs, fails };

enum class step_kind {
    open,
    demand, ///< the first client
    start,
    stop, ///< with the signal `argument`, see plain_stop
    restart,
    forward,        ///< the signal `argument`
    upgrade,        ///< 0: rolling, else fleet
    resize,         ///< to `argument`
    reconfigure,    ///< to the history's policy number `argument`
    deploy,         ///< generations that begin from now on run program number `argument`
    scarcity,       ///< 0: the machine has room for processes, else not
    pass,           ///< `argument` ms go by
    wait,           ///< until something is due
    kill,           ///< a process, counted from the youngest; see kill_argument
    ack,            ///< a message of a process, counted from the youngest
    ping,           ///< likewise
    stale_ack,      ///< of a process long gone, or never there
    stale_exit,     ///< likewise
    stale_answer,   ///< to a spawn that was answered before, or never wished for
    touch,          ///< a sign of life, likewise
    command_failed, ///< late news of a stop command
    reload,         ///< another group goes on with what this one knows
    late, ///< nothing is decided for `argument` ms; then all news of that time come in one turn
    stall ///< likewise, but event::stalled comes before all or all but one of the news, and then
          ///< the group decides; an odd number of ms: all but one
};

struct step {
    step_kind kind;
    unsigned argument = 0;
    bool settle = true; ///< false: the next event comes before the group had time to decide
};

/// `cause` 0: SIGKILL, 1: SIGSEGV, 2: exit code 1, 3: exit code 0.
constexpr unsigned kill_argument(unsigned process, unsigned cause) { return cause * 64 + process; }

/// The argument of a stop whose signal is meant as such, with no stop command in its place.
constexpr unsigned plain_stop(int signal) { return 1000 + static_cast<unsigned>(signal); }

/// Added to the argument of a restart, upgrade, resize or ack, it makes the event say by which
/// signal workers are to go. An upgrade may have a second one as well.
constexpr unsigned by_signal = 1000;
constexpr unsigned by_another_signal = 2000;

/// The signal that the event of such a step says.
std::optional<int> signal_of(const step& what);

/// Everything that happens to a group from its beginning, so that it can be replayed.
struct history {
    std::vector<core::policy> policies{core::policy{}}; ///< it begins with the first
    std::vector<program> programs{program{}};           ///< likewise
    /// From the spawn action to the answer; 0: immediate, as in the real shell.
    core::duration answer_takes{};
    command_kind stop_command = command_kind::works;
    unsigned seed = 1; ///< of the group's jitter
    std::vector<step> steps;
};

/// A random history, determined by the seed.
history make_history(std::uint64_t seed);

std::string to_string(const step& what);
/// Policies, programs and steps, one line each.
std::string to_string(const history& what);

/// When a process of this program has acked according to the policy; nothing: never.
std::optional<core::duration> ack_age(const program& what, const core::ack_policy& ack);
/// Whether each of its processes either serves until told to exit or fails to start within a
/// bounded time.
bool is_determinate(const program& what, const core::ack_policy& ack);

} // namespace einhyrningsins::simulation
