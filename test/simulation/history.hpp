// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/policy.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::simulation {

/// Which signals a process heeds.
enum class obedience {
    willing,   ///< any that asks it to stop
    reluctant, ///< SIGTERM and SIGKILL
    stubborn   ///< SIGKILL alone
};

/// How the processes of a generation behave.
struct program {
    /// When the message is sent that it is up; nothing: never.
    std::optional<core::duration> acks_after = core::duration::zero();
    std::optional<core::duration> dies_after;    ///< by itself; nothing: it lives until it is told
    int exit_code = 1;                           ///< then
    std::optional<core::duration> touches_every; ///< its signs of life; nothing: none
    bool exec_fails = false;
    /// Each process whose number in its generation is a multiple of this acks at once and does not
    /// die by itself; 0: none.
    unsigned sound_every = 0;
    obedience heeds = obedience::willing;
    core::duration stop_takes{}; ///< from the signal that it heeds to its end
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
    reload          ///< another group goes on with what this one knows
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

/// What happens to a group, from its first moment: enough to live it again.
struct history {
    std::vector<core::policy> policies{core::policy{}}; ///< it begins with the first
    std::vector<program> programs{program{}};           ///< likewise
    /// From the wish for a process to the answer; 0: at once, as the real shell does it.
    core::duration answer_takes{};
    command_kind stop_command = command_kind::works;
    unsigned seed = 1; ///< of the group's jitter
    std::vector<step> steps;
};

/// A random history; the same for the same seed.
history make_history(std::uint64_t seed);

std::string to_string(const step& what);
/// Policies, programs and steps, a line each.
std::string to_string(const history& what);

/// When a process of this program has acked as the policy wants it; nothing: never.
std::optional<core::duration> ack_age(const program& what, const core::ack_policy& ack);
/// Whether each process of it either serves until it is told to go or fails to start in bounded
/// time.
bool is_determinate(const program& what, const core::ack_policy& ack);

} // namespace einhyrningsins::simulation
