// SPDX-License-Identifier: GPL-3.0-or-later
#include "simulation/world.hpp"

#include <algorithm>
#include <chrono>
#include <set>

namespace einhyrningsins::simulation {
namespace {

using namespace std::chrono_literals;

/// A history that is busier than this within one step goes on with the next one.
constexpr unsigned most_news_in_a_step = 200;
/// Decisions at one point in time.
constexpr unsigned most_rounds = 500;

bool asks_to_stop(int signal) {
    return signal != SIGUSR1 && signal != SIGTTIN && signal != SIGTTOU && signal != SIGCONT;
}

bool heeds(obedience how, int signal) {
    if (signal == SIGKILL) return true;
    if (how == obedience::stubborn) return false;
    return asks_to_stop(signal) && (how == obedience::willing || signal == SIGTERM);
}

void keep_earliest(std::optional<core::time_point>& earliest,
                   std::optional<core::time_point> other) {
    if (other && (!earliest || *other < *earliest)) earliest = other;
}

} // namespace

world::world(const history& what, bool traced)
    : group_(what.policies.at(0), what.seed),
      invariants_(group_),
      policies_(what.policies),
      programs_(what.programs),
      answer_takes_(what.answer_takes),
      stop_command_(what.stop_command),
      traced_(traced) {}

void world::perform(const step& what) {
    using enum step_kind;
    unsigned argument = what.argument;
    process* whose = nullptr;
    switch (what.kind) {
    case open: apply(core::event::open{}); break;
    case demand: apply(core::event::demanded{}); break;
    case command_failed: apply(core::event::stop_command_failed{}); break;
    case touch:
        if ((whose = pick(argument))) apply(core::event::touched{whose->pid});
        break;
    case start: apply(core::event::start{}); break;
    case stop: apply(core::event::stop{static_cast<int>(argument % 1000), argument >= 1000}); break;
    case restart: apply(core::event::restart{}); break;
    case forward: apply(core::event::forward{static_cast<int>(argument)}); break;
    case upgrade:
        apply(core::event::upgrade{argument == 0 ? core::upgrade_mode::rolling
                                                 : core::upgrade_mode::fleet});
        break;
    case resize: apply(core::event::resize{argument}); break;
    case reconfigure:
        apply(core::event::reconfigure{policies_[argument % policies_.size()]});
        break;
    case deploy: deployed_ = argument % programs_.size(); break;
    case scarcity: scarce_ = argument != 0; break;
    case pass: this->pass(std::chrono::milliseconds(argument)); break;
    case step_kind::wait: this->wait(); break;
    case reload: hand_over(); break;
    case kill: strike(argument % 64, argument / 64 % 4); break;
    case ack:
        if ((whose = pick(argument))) apply(core::event::acked{whose->pid});
        break;
    case ping:
        if ((whose = pick(argument))) apply(core::event::pinged{whose->pid, "ping"});
        break;
    default: stale_news(what.kind, argument);
    }
    if (what.settle) settle();
}

/// As a master does that executes another in its place: between two turns, when all is done that
/// was decided.
void world::hand_over() {
    settle();
    core::group_state state = group_.state();
    if (auto wrong = core::find_contradiction(state); !wrong.empty())
        throw violation("what_is_handed_over_is_sound", wrong);
    auto deadline = group_.next_deadline();
    group_ = core::group(std::move(state), ++reloads_, true);
    if (group_.next_deadline() != deadline)
        throw violation("a_reload_changes_nothing", "another deadline");
    if (traced_) note("reload");
}

void world::strike(unsigned from_youngest, unsigned cause) {
    constexpr core::exit_cause causes[] = {{core::exit_cause::kind_type::signaled, SIGKILL},
                                           {core::exit_cause::kind_type::signaled, SIGSEGV, true},
                                           {core::exit_cause::kind_type::exited, 1},
                                           {core::exit_cause::kind_type::exited, 0}};
    process* whose = pick(from_youngest);
    if (!whose) return;
    whose->cause = causes[cause];
    exit(whose->pid);
}

void world::stale_news(step_kind kind, unsigned argument) {
    // Pids are given anew from 100 up, so that one just above those in use was somebody's once.
    core::process_id gone = free_pid() + static_cast<int>(argument);
    if (std::ranges::find(processes_, gone, &process::pid) != processes_.end()) return;
    if (kind == step_kind::stale_ack) return apply(core::event::acked{gone});
    if (kind == step_kind::stale_exit) return apply(core::event::exited{gone, {}});
    core::worker_id id{argument};
    auto known = std::ranges::find(group_.workers(), id, &core::worker::id);
    if (known != group_.workers().end() && known->pid == 0) return; // it would be no stale one
    if (argument % 2 == 0) return apply(core::event::spawned{id, gone});
    apply(core::event::spawn_failed{id, "stale", argument % 4 == 1});
}

void world::apply(const core::event_type& what) {
    if (traced_) note("> " + core::to_string(what));
    group_.apply(what, now_);
    invariants_.applied(group_, what, now_);
}

std::vector<core::action_type> world::reconcile() {
    auto actions = group_.reconcile(now_);
    if (traced_)
        for (const core::action_type& what : actions)
            note("  < " + core::to_string(what));
    invariants_.reconciled(group_, actions, now_);
    auto more = group_.reconcile(now_);
    if (!more.empty())
        throw violation("reconcile_is_idempotent",
                        "wants, again: " + core::to_string(more.front()));
    return actions;
}

void world::settle() {
    for (unsigned round = 0; round < most_rounds; ++round) {
        auto actions = reconcile();
        if (actions.empty()) {
            invariants_.settled(now_);
            return check_processes();
        }
        for (const core::action_type& what : actions)
            std::visit([this](const auto& it) { perform(it); }, what);
    }
    throw violation("backoff_is_bounded", "the group does not come to rest");
}

/// The table and the world agree.
void world::check_processes() const {
    for (const process& one : processes_) {
        auto& table = group_.workers();
        auto who = std::ranges::find(table, one.id, &core::worker::id);
        if (who == table.end() || who->pid != (one.answered ? one.pid : 0))
            throw violation("no_unknown_process", "pid " + std::to_string(one.pid));
    }
    auto asked = std::ranges::count(group_.workers(), true, &core::worker::spawn_requested);
    if (asked != static_cast<long>(processes_.size()))
        throw violation("no_orphan_record", std::to_string(asked) + " records of " +
                                                std::to_string(processes_.size()) + " processes");
}

void world::perform(const core::action::begin_generation& what) {
    std::erase_if(plans_, [&](const auto& known) { return !group_.needs(known.first); });
    plans_[what.number] = deployed_;
}

void world::perform(const core::action::spawn& what) {
    if (!plans_.contains(what.generation))
        throw violation("spawns_have_a_plan", "generation " + std::to_string(what.generation));
    const program& runs = program_of(what.generation, ++spawned_[what.generation]);
    process one{.id = what.id,
                .pid = free_pid(),
                .starts = !scarce_ && !runs.exec_fails,
                .heeds = runs.heeds,
                .stop_takes = runs.stop_takes,
                .answered_at = now_ + answer_takes_};
    if (runs.acks_after) one.acks_at = one.answered_at + *runs.acks_after;
    one.cause.number = runs.exit_code;
    one.touches_every = runs.touches_every;
    if (runs.touches_every) one.touches_at = one.answered_at + *runs.touches_every;
    if (runs.dies_after) one.dies_at = one.answered_at + *runs.dies_after;
    processes_.push_back(one);
    if (answer_takes_ == core::duration::zero()) answer(processes_.back());
}

void world::perform(const core::action::signal& what) {
    auto target = std::ranges::find(processes_, what.pid, &process::pid);
    if (target == processes_.end() || target->id != what.id || !target->answered)
        throw violation("no_unknown_process", "a signal to pid " + std::to_string(what.pid));
    if (!heeds(target->heeds, what.number)) return;
    auto end = what.number == SIGKILL ? now_ : now_ + target->stop_takes;
    if (target->dies_at && *target->dies_at <= end) return;
    target->dies_at = end;
    target->cause = {core::exit_cause::kind_type::signaled, what.number};
}

void world::perform(const core::action::run_stop_command&) {
    if (stop_command_ == command_kind::fails) return apply(core::event::stop_command_failed{});
    if (stop_command_ == command_kind::hangs) return;
    for (process& one : processes_) {
        auto end = now_ + one.stop_takes;
        if (!one.answered || (one.dies_at && *one.dies_at <= end)) continue;
        one.dies_at = end;
        one.cause = {core::exit_cause::kind_type::exited, 0};
    }
}

void world::answer(process& one) {
    one.answered = true;
    core::worker_id id = one.id;
    if (one.starts) return apply(core::event::spawned{id, one.pid});
    std::erase_if(processes_, [&](const process& other) { return other.id == id; });
    apply(core::event::spawn_failed{id, scarce_ ? "fork: Resource temporarily unavailable" : "exec",
                                    scarce_});
}

void world::exit(core::process_id pid) {
    auto one = std::ranges::find(processes_, pid, &process::pid);
    core::event::exited news{one->pid, one->cause};
    processes_.erase(one); // the pid may be given to another from here on
    apply(news);
}

std::optional<core::time_point> world::next_due() const {
    std::optional<core::time_point> earliest = group_.next_deadline();
    bool heeds_signs = group_.wishes().live_check != core::duration::zero();
    // More spawns are wanted than may be unanswered: the next answer lets it go on.
    if (earliest && *earliest <= now_) earliest.reset();
    for (const process& one : processes_) {
        if (!one.answered) {
            keep_earliest(earliest, one.answered_at);
            continue;
        }
        keep_earliest(earliest, one.acks_at);
        if (heeds_signs) keep_earliest(earliest, one.touches_at);
        keep_earliest(earliest, one.dies_at);
    }
    return earliest;
}

/// One piece of news at a time: what is due at the same time comes in the next round.
void world::deliver_due() {
    auto is_due = [&](const std::optional<core::time_point>& when) {
        return when && *when <= now_;
    };
    for (process& one : processes_) {
        if (!one.answered) {
            if (one.answered_at <= now_) return answer(one);
        } else if (is_due(one.acks_at) && (!one.dies_at || *one.acks_at <= *one.dies_at)) {
            one.acks_at.reset();
            return apply(core::event::acked{one.pid});
        } else if (is_due(one.touches_at) && (!one.dies_at || *one.touches_at <= *one.dies_at)) {
            one.touches_at = now_ + *one.touches_every;
            return apply(core::event::touched{one.pid});
        } else if (is_due(one.dies_at)) {
            return exit(one.pid);
        }
    }
}

bool world::wait() {
    settle();
    auto due = next_due();
    if (!due) return false;
    now_ = std::max(now_, *due);
    deliver_due();
    settle();
    return true;
}

void world::pass(core::duration length) {
    auto end = now_ + length;
    settle();
    for (unsigned news = 0; news < most_news_in_a_step; ++news) {
        auto due = next_due();
        if (!due || *due > end) {
            now_ = end;
            return;
        }
        wait();
    }
}

process* world::pick(unsigned from_youngest) {
    auto known = [](const process& one) { return one.answered; };
    auto count = static_cast<unsigned>(std::ranges::count_if(processes_, known));
    if (count == 0) return nullptr;
    unsigned skip = from_youngest % count;
    for (auto one = processes_.rbegin(); one != processes_.rend(); ++one)
        if (one->answered && skip-- == 0) return &*one;
    return nullptr;
}

/// The smallest, so that pids are used again as soon as can be.
core::process_id world::free_pid() const {
    core::process_id pid = 100;
    while (std::ranges::find(processes_, pid, &process::pid) != processes_.end())
        ++pid;
    return pid;
}

const program& world::program_of(core::generation number, unsigned ordinal) const {
    static const program sound;
    const program& runs = programs_[plans_.at(number)];
    return runs.sound_every != 0 && ordinal % runs.sound_every == 0 ? sound : runs;
}

void world::note(const std::string& what) {
    auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch());
    trace_ += std::to_string(ms.count()) + " ms " + what + "\n";
}

} // namespace einhyrningsins::simulation
