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
    unsigned meant = argument % by_signal;
    auto signal = signal_of(what);
    process* whose = nullptr;
    switch (what.kind) {
    case open: apply(core::event::open{}); break;
    case demand: apply(core::event::demanded{}); break;
    case command_failed: apply(core::event::stop_command_failed{}); break;
    case touch:
        if ((whose = pick(argument))) apply(core::event::touched{whose->id});
        break;
    case start: apply(core::event::start{}); break;
    case stop: apply(core::event::stop{static_cast<int>(argument % 1000), argument >= 1000}); break;
    case restart: apply(core::event::restart{signal}); break;
    case forward: apply(core::event::forward{static_cast<int>(argument)}); break;
    case upgrade:
        apply(core::event::upgrade{
            meant == 0 ? core::upgrade_mode::rolling : core::upgrade_mode::fleet, signal});
        break;
    case resize: apply(core::event::resize{meant, signal}); break;
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
        if ((whose = pick(meant))) apply(core::event::acked{whose->id, signal});
        break;
    case late: hold_up(std::chrono::milliseconds(argument)); break;
    case stall: this->stall(std::chrono::milliseconds(argument), argument % 2); break;
    case ping:
        if ((whose = pick(argument))) apply(core::event::pinged{whose->id, "ping"});
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
    exit(whose->id);
}

void world::stale_news(step_kind kind, unsigned argument) {
    core::worker_id id{argument};
    const core::worker* known = group_.find(id);
    if (kind != step_kind::stale_answer) {
        if (known && known->has_process()) return; // it would be no stale news
        if (kind == step_kind::stale_ack) return apply(core::event::acked{id});
        return apply(core::event::exited{id, {}});
    }
    if (known && !known->has_process()) return;
    if (argument % 2 == 0) return apply(core::event::spawned{id, free_pid()});
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
        const core::worker* known = group_.find(one.id);
        bool right = known && known->has_process() == one.answered &&
                     (!one.answered || group_.find(one.pid) == known);
        if (!right) throw violation("no_unknown_process", "pid " + std::to_string(one.pid));
    }
    auto asked = std::ranges::count_if(group_.workers(), [](const core::worker& known) {
        return known.state != core::worker_state::wanted;
    });
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
    one.cause = runs.ends_by;
    one.touches_every = runs.touches_every;
    if (runs.touches_every) one.touches_at = one.answered_at + *runs.touches_every;
    if (runs.dies_after) one.dies_at = one.answered_at + *runs.dies_after;
    processes_.push_back(one);
    if (answer_takes_ == core::duration::zero()) answer(processes_.back());
}

void world::perform(const core::action::signal& what) {
    auto target = std::ranges::find(processes_, what.id, &process::id);
    if (target == processes_.end() || !target->answered)
        throw violation("no_unknown_process", "a signal to a process that is not there");
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

void world::exit(core::worker_id id) {
    auto one = std::ranges::find(processes_, id, &process::id);
    core::event::exited news{one->id, one->cause};
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

/// One piece of news at a time: what is due at the same time comes in the next round. Returns
/// whether there was one.
bool world::deliver_due() {
    auto is_due = [&](const std::optional<core::time_point>& when) {
        return when && *when <= now_;
    };
    for (process& one : processes_) {
        if (!one.answered) {
            if (one.answered_at <= now_) return answer(one), true;
        } else if (is_due(one.acks_at) && (!one.dies_at || *one.acks_at <= *one.dies_at)) {
            one.acks_at.reset();
            return apply(core::event::acked{one.id}), true;
        } else if (is_due(one.touches_at) && (!one.dies_at || *one.touches_at <= *one.dies_at)) {
            one.touches_at = now_ + *one.touches_every;
            return apply(core::event::touched{one.id}), true;
        } else if (is_due(one.dies_at)) {
            return exit(one.id), true;
        }
    }
    return false;
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

/// Time goes by, and processes act, but the master does not run.
void world::hold_up(core::duration length) {
    settle();
    now_ += length;
    for (unsigned news = 0; news < most_news_in_a_step && deliver_due(); ++news) {
    }
}

/// The same, and the group is told. It decides before the news is read, or all but `read` of it.
void world::stall(core::duration length, unsigned read) {
    settle();
    now_ += length;
    while (read > 0 && deliver_due())
        --read;
    apply(core::event::stalled{length});
    settle();
    for (unsigned news = 0; news < most_news_in_a_step && deliver_due(); ++news)
        settle();
}

/// Nobody is blamed for what he has done in time, though the news may not have been read yet.
void world::perform(const core::action::tell& what) {
    using namespace core::report_of;
    const core::policy& wishes = group_.wishes();
    if (auto* r = std::get_if<ack_overdue>(&what.what))
        check_evidence(r->worker, &process::acks_at, core::ack_deadline(r->worker, wishes.ack));
    if (auto* r = std::get_if<live_check_missed>(&what.what))
        check_evidence(r->worker, &process::touches_at, core::live_deadline(r->worker, wishes));
    if (auto* r = std::get_if<escalated>(&what.what))
        check_evidence(r->worker, &process::dies_at, r->worker.told.deadline(wishes));
}

void world::check_evidence(const core::worker& judged,
                           std::optional<core::time_point> process::*evidence,
                           std::optional<core::time_point> deadline) const {
    auto one = std::ranges::find(processes_, judged.id, &process::id);
    if (one == processes_.end() || !one->answered) return;
    for (auto at : {(*one).*evidence, one->dies_at})
        if (at && *at <= now_ && (!deadline || *at < *deadline))
            throw violation("nobody_is_judged_before_the_evidence",
                            "pid " + std::to_string(one->pid));
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
