// SPDX-License-Identifier: GPL-3.0-or-later
#include "simulation/history.hpp"

#include "core/report.hpp"
#include "core/signal_name.hpp"

#include <chrono>
#include <initializer_list>
#include <random>

namespace einhyrningsins::simulation {
namespace {

using namespace std::chrono_literals;

/// No distributions of the library: what they make of a seed is theirs to change.
class dice {
  public:
    explicit dice(std::uint64_t seed) : engine_(seed) {}

    unsigned below(unsigned limit) { return static_cast<unsigned>(engine_() % limit); }
    bool one_in(unsigned count) { return below(count) == 0; }
    template <class T>
    T one_of(std::initializer_list<T> values) {
        return values.begin()[below(static_cast<unsigned>(values.size()))];
    }

  private:
    std::mt19937_64 engine_;
};

core::ack_policy make_ack(dice& random) {
    switch (random.below(5)) {
    case 0: return core::ack_timer{random.one_of<core::duration>({0s, 1s})};
    case 4: return core::ack_none{};
    case 1: return core::ack_notify{2s};
    default: return core::ack_manual{random.one_of<core::duration>({5s, 5s, 5s, 0s})};
    }
}

core::policy make_policy(dice& random) {
    core::policy wishes;
    wishes.number = random.one_in(20) ? 20 : 1 + random.below(4);
    wishes.ack = make_ack(random);
    if (random.one_in(2)) wishes.retries = random.below(4);
    wishes.seconds = random.one_of<core::duration>({0s, 100ms, 1s, 1s, 20s});
    wishes.stop_signal = random.one_of({SIGUSR2, SIGUSR2, SIGTERM, SIGQUIT});
    wishes.signal_timeout = random.one_of<core::duration>({0s, 1s, 60s, 60s});
    wishes.kill_at_timeout = random.one_in(4);
    wishes.max_unacked = random.one_of({1U, 2U, 3U, 100U});
    if (random.one_in(2)) wishes.max_upgrade_additional = 1 + random.below(2);
    using enum core::restart_policy;
    wishes.restart = random.one_of({never, on_failure, always, always});
    wishes.on_demand = random.one_in(3);
    wishes.warmup = random.one_of<core::duration>({0s, 0s, 500ms, 5s});
    if (random.one_in(3)) wishes.live_check = random.one_of<core::duration>({1s, 5s, 60s});
    wishes.stop_command = random.one_in(4);
    return wishes;
}

program make_program(dice& random) {
    program what;
    what.acks_after = random.one_of<core::duration>({0ms, 0ms, 1ms, 300ms, 3s, 10s});
    if (random.one_in(6)) what.acks_after.reset();
    if (random.one_in(3)) what.dies_after = random.one_of<core::duration>({0ms, 1ms, 400ms, 4s});
    using enum core::exit_cause::kind_type;
    what.ends_by = random.one_of<core::exit_cause>(
        {{exited, 0}, {exited, 1}, {signaled, SIGKILL}, {signaled, SIGTERM}});
    if (random.one_in(2)) what.touches_every = random.one_of<core::duration>({300ms, 4s});
    what.exec_fails = random.one_in(8);
    if (random.one_in(4)) what.sound_every = 2 + random.below(4);
    what.heeds = random.one_of(
        {obedience::willing, obedience::willing, obedience::reluctant, obedience::stubborn});
    what.stop_takes = random.one_of<core::duration>({0ms, 0ms, 1ms, 500ms, 5s});
    return what;
}

/// Of each kind with the weight that makes histories eventful: many upgrades and deaths, few stops.
step_kind make_kind(dice& random) {
    using enum step_kind;
    return random.one_of(
        {open,        demand, demand,  touch,   touch,     touch,      command_failed,
         start,       stop,   restart, forward, upgrade,   upgrade,    upgrade,
         resize,      resize, deploy,  deploy,  scarcity,  pass,       pass,
         pass,        pass,   pass,    wait,    wait,      wait,       wait,
         wait,        wait,   kill,    kill,    kill,      kill,       ack,
         ack,         ack,    ack,     ping,    stale_ack, stale_exit, stale_answer,
         reconfigure, reload, reload,  late,    stall});
}

unsigned make_argument(dice& random, step_kind kind) {
    switch (kind) {
    case step_kind::stop:
        return random.one_of<unsigned>(
            {SIGUSR2, SIGTERM, SIGQUIT, SIGKILL, plain_stop(SIGUSR2), plain_stop(SIGTERM)});
    case step_kind::forward: return random.one_of<unsigned>({SIGUSR1, SIGTTIN, SIGHUP});
    case step_kind::restart: return random.one_of({0U, by_signal});
    case step_kind::upgrade:
        return random.below(2) + random.one_of({0U, 0U, by_signal, by_another_signal});
    case step_kind::resize: return 1 + random.below(5) + random.one_of({0U, by_signal});
    case step_kind::ack: return random.below(8) + random.one_of({0U, 0U, by_signal});
    case step_kind::late:
    case step_kind::stall:
    case step_kind::scarcity: return random.below(2);
    case step_kind::pass:
        return random.one_of(
            {0U, 1U, 10U, 100U, 500U, 999U, 1000U, 1001U, 5000U, 33'000U, 70'000U});
    case step_kind::kill: return kill_argument(random.below(8), random.below(4));
    default: return random.below(8);
    }
}

std::string number(auto value) { return std::to_string(value); }

std::string length(std::optional<core::duration> what) {
    return what ? core::to_string(*what) : "never";
}

std::string limit(std::optional<unsigned> what) { return what ? number(*what) : "none"; }

std::string describe(const core::ack_policy& ack) {
    if (auto* timer = std::get_if<core::ack_timer>(&ack)) return "timer " + length(timer->survive);
    if (auto* manual = std::get_if<core::ack_manual>(&ack))
        return "manual " + length(manual->timeout);
    if (std::holds_alternative<core::ack_none>(ack)) return "none";
    return "notify " + length(std::get<core::ack_notify>(ack).timeout);
}

const char* describe(core::restart_policy what) {
    return what == core::restart_policy::never        ? "never"
           : what == core::restart_policy::on_failure ? "on failure"
                                                      : "always";
}

std::string describe(const core::policy& what) {
    return "number " + number(what.number) + ", ack " + describe(what.ack) + ", retries " +
           limit(what.retries) + ", seconds " + length(what.seconds) + ", stop signal " +
           core::signal_name(what.stop_signal) + ", signal timeout " + length(what.signal_timeout) +
           (what.kill_at_timeout ? " and SIGKILL at once" : "") + ", max unacked " +
           number(what.max_unacked) + ", max additional " + limit(what.max_upgrade_additional) +
           ", restart " + describe(what.restart) + (what.on_demand ? ", on demand" : "") +
           ", warm-up " + length(what.warmup) + ", live check " + length(what.live_check) +
           (what.stop_command ? ", stop command" : "");
}

std::string describe(const program& what) {
    if (what.exec_fails) return "cannot be executed";
    const char* heeds = what.heeds == obedience::willing     ? "any signal"
                        : what.heeds == obedience::reluctant ? "SIGTERM"
                                                             : "SIGKILL";
    return "acks after " + length(what.acks_after) + ", dies after " + length(what.dies_after) +
           " by " + core::to_string(what.ends_by) + ", touches every " +
           length(what.touches_every) + ", heeds " + heeds + ", stop takes " +
           length(what.stop_takes) + ", sound every " + number(what.sound_every);
}

const char* name(step_kind kind) {
    constexpr const char* names[] = {"open",           "demand",     "start",        "stop",
                                     "restart",        "forward",    "upgrade",      "resize",
                                     "reconfigure",    "deploy",     "scarcity",     "pass",
                                     "wait",           "kill",       "ack",          "ping",
                                     "stale_ack",      "stale_exit", "stale_answer", "touch",
                                     "command_failed", "reload",     "late",         "stall"};
    return names[static_cast<unsigned>(kind)];
}

/// Of an ack by message.
core::duration timeout_of(const core::ack_policy& ack) {
    auto* manual = std::get_if<core::ack_manual>(&ack);
    return manual ? manual->timeout : std::get<core::ack_notify>(ack).timeout;
}

bool may_time_out(const core::ack_policy& ack) { return timeout_of(ack) != core::duration::zero(); }

} // namespace

history make_history(std::uint64_t seed) {
    dice random(seed);
    history made{.policies = {make_policy(random), make_policy(random)},
                 .programs = {make_program(random), make_program(random), make_program(random)},
                 .seed = static_cast<unsigned>(seed)};
    // An ack that was sent under a timer is lost for a manual mode that begins after it.
    while (made.policies[1].ack.index() != made.policies[0].ack.index())
        made.policies[1].ack = make_ack(random);
    // Most live long enough to be upgraded.
    if (!random.one_in(4)) made.programs[0] = program{};
    if (random.one_in(2)) made.answer_takes = random.one_of<core::duration>({1ms, 200ms, 1s});
    made.stop_command =
        random.one_of({command_kind::works, command_kind::hangs, command_kind::fails});
    made.steps.push_back({random.one_in(3) ? step_kind::open : step_kind::start});
    for (unsigned left = 5 + random.below(30); left > 0; --left) {
        step_kind kind = make_kind(random);
        unsigned argument = make_argument(random, kind);
        made.steps.push_back({kind, argument, !random.one_in(5)});
    }
    return made;
}

std::optional<int> signal_of(const step& what) {
    if (what.argument < by_signal) return std::nullopt;
    switch (what.kind) {
    case step_kind::restart: return SIGHUP;
    case step_kind::resize: return SIGXCPU;
    case step_kind::ack: return SIGALRM;
    default: return what.argument < by_another_signal ? SIGINT : SIGVTALRM;
    }
}

std::string to_string(const step& what) {
    return std::string("{") + name(what.kind) + ", " + number(what.argument) +
           (what.settle ? "}" : ", false}");
}

std::string to_string(const history& what) {
    std::string text;
    for (const core::policy& wishes : what.policies)
        text += "policy: " + describe(wishes) + "\n";
    for (const program& one : what.programs)
        text += "program: " + describe(one) + "\n";
    text += "answers take " + length(what.answer_takes) + ", the stop command " +
            (what.stop_command == command_kind::works   ? "works"
             : what.stop_command == command_kind::hangs ? "hangs"
                                                        : "fails") +
            ", seed " + number(what.seed) + "\nsteps:";
    for (const step& one : what.steps)
        text += " " + to_string(one);
    return text + "\n";
}

std::optional<core::duration> ack_age(const program& what, const core::ack_policy& ack) {
    if (auto* timer = std::get_if<core::ack_timer>(&ack)) return timer->survive;
    if (std::holds_alternative<core::ack_none>(ack)) return core::duration::zero();
    bool late = may_time_out(ack) && what.acks_after && *what.acks_after >= timeout_of(ack);
    return late ? std::nullopt : what.acks_after;
}

bool is_determinate(const program& what, const core::ack_policy& ack) {
    if (what.exec_fails) return true;
    if (auto acked = ack_age(what, ack)) return !what.dies_after || *what.dies_after < *acked;
    return what.dies_after || may_time_out(ack);
}

} // namespace einhyrningsins::simulation
