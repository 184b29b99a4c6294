// SPDX-License-Identifier: GPL-3.0-or-later
//
// What the group makes of events, and its table. The decisions are in reconcile.cpp.
#include "core/group.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace einhyrningsins::core {
namespace {

/// How many failures of a row are kept for the report of an aborted upgrade.
constexpr std::size_t failures_told = 10;

} // namespace

group::group(const policy& wishes, unsigned seed) : wishes_(wishes), random_(seed) {}

group::group(group_state state, unsigned seed, bool spawns_go_on)
    : wishes_(state.wishes),
      phase_(state.phase),
      start_again_(state.start_again),
      workers_(std::move(state.workers)),
      current_(state.current),
      upgrade_(std::move(state.upgrade)),
      last_generation_(state.last_generation),
      last_id_(state.last_id),
      restarts_(std::move(state.restarts)),
      last_death_(state.last_death),
      random_(seed) {
    if (spawns_go_on) return;
    std::erase_if(workers_, [](const worker& who) { return who.pid == 0 && who.spawn_requested; });
}

group_state group::state() const {
    assert(actions_.empty());
    return {.wishes = wishes_,
            .phase = phase_,
            .start_again = start_again_,
            .workers = workers_,
            .current = current_,
            .upgrade = upgrade_,
            .last_generation = last_generation_,
            .last_id = last_id_,
            .restarts = restarts_,
            .last_death = last_death_};
}

void group::apply(const event_type& what, time_point now) {
    std::visit([&](const auto& it) { on(it, now); }, what);
}

// Events

void group::on(const event::start&, time_point now) {
    start_again_ = false;
    if (phase_ != group_phase::running) run(now);
}

void group::on(const event::stop& what, time_point now) {
    start_again_ = false;
    if (phase_ == group_phase::stopped) return;
    if (upgrade_) close_upgrade("the group was told to stop", std::nullopt);
    phase_ = group_phase::stopping;
    std::erase_if(workers_, [](const worker& who) { return !who.spawn_requested; });
    dismiss_all(what.signal, now);
}

void group::on(const event::restart&, time_point now) {
    if (phase_ == group_phase::stopped) return run(now);
    on(event::stop{wishes_.stop_signal}, now);
    start_again_ = true;
}

void group::on(const event::forward& what, time_point) {
    for (const worker& who : workers_)
        if (who.pid != 0) actions_.push_back(action::signal{who.id, who.pid, what.signal});
}

void group::on(const event::upgrade& what, time_point now) {
    if (phase_ == group_phase::stopping || phase_ == group_phase::stopped) return;
    phase_ = group_phase::running;
    if (!upgrade_) return begin_upgrade(what.mode, now);
    // Nothing of the new generation has been started: this request is served by it as well.
    if (!upgrade_->spawned) {
        upgrade_->mode = what.mode;
        return;
    }
    if (!upgrade_->again) tell(report_of::upgrade_overtaken{current_.generation});
    upgrade_->again = what.mode;
}

void group::on(const event::resize& what, time_point) {
    assert(what.number > 0);
    wishes_.number = what.number;
}

void group::on(const event::reconfigure& what, time_point now) {
    assert(what.policy.number > 0);
    wishes_ = what.policy;
    if (std::holds_alternative<ack_timer>(wishes_.ack)) return;
    // Who spoke while nobody asked for it will not do so again.
    for (worker& who : workers_)
        if (who.state == worker_state::starting && who.spoke) ack(who, now);
}

void group::on(const event::spawned& what, time_point now) {
    worker* who = find_mutable(what.id);
    if (!who || who->pid != 0) return;
    who->pid = what.pid;
    who->since = now;
    if (lineage* line = lineage_of(who->generation)) line->scarcities = 0;
    tell(report_of::worker_started{*who});
    if (!who->active()) dismiss(*who, who->told.signal, who->told.how, now);
}

void group::on(const event::spawn_failed& what, time_point now) {
    const worker* found = find_mutable(what.id);
    if (!found || found->pid != 0) return;
    worker who = remove(what.id);
    lineage* line = lineage_of(who.generation);
    if (!who.active() || !line) return;
    // One line for each round of attempts; the others would only repeat it.
    if (!line->not_before && phase_ == group_phase::running)
        tell(report_of::start_failed{who.index, who.generation, what.reason, what.scarce});
    drop_unrequested(who.generation);
    if (what.scarce) return wait_after(*line, ++line->scarcities, now);
    fail(who.generation, {0, who.index, what.reason, duration::zero()}, now);
}

void group::on(const event::exited& what, time_point now) {
    const worker* found = find(what.pid);
    if (!found) return;
    worker who = remove(found->id);
    cancel_signals(who.id);
    death how{who.pid, what.cause, now - who.since, who.generation};
    tell(report_of::worker_died{who, how.cause, how.age, !who.active()});
    if (!who.active()) {
        if (!who.overdue) restarts_.erase(who.index);
        return;
    }
    last_death_ = how;
    ++restarts_[who.index];
    if (who.state == worker_state::ready) return die_ready(who, how, now);
    fail(who.generation, {who.pid, who.index, to_string(how.cause), how.age}, now);
}

void group::on(const event::acked& what, time_point now) {
    worker* who = find_mutable(what.pid);
    if (!who || who->state != worker_state::starting) return;
    who->spoke = true;
    if (!std::holds_alternative<ack_timer>(wishes_.ack)) ack(*who, now);
}

void group::on(const event::pinged& what, time_point now) {
    worker* who = find_mutable(what.pid);
    if (!who) return;
    who->pinged_at = now;
    who->ping_id = what.request_id;
}

// What events lead to

void group::run(time_point now) {
    phase_ = group_phase::running;
    begin_generation();
    add(current_.generation, wishes_.number, now);
}

void group::begin_generation() {
    current_ = lineage{.generation = ++last_generation_};
    actions_.push_back(action::begin_generation{last_generation_});
}

void group::begin_upgrade(upgrade_mode mode, time_point now) {
    upgrade_progress next{
        .mode = mode, .previous = current_, .capacity = capacity(), .began_at = now};
    if (upgrade_) {
        dismiss_unacked(current_.generation, now);
        if (!current_.proven) next.previous = upgrade_->previous;
    }
    upgrade_ = std::move(next);
    begin_generation();
    tell(report_of::upgrade_began{mode, current_.generation, wishes_.number});
}

void group::finish_upgrade(time_point now) {
    if (upgrade_->again) return begin_upgrade(*upgrade_->again, now);
    upgrade_.reset();
    tell(report_of::upgrade_done{current_.generation});
}

void group::abort_upgrade(time_point now) {
    auto again = upgrade_->again;
    core::generation failed = current_.generation;
    lineage previous = upgrade_->previous;
    if (again)
        upgrade_.reset();
    else
        close_upgrade(std::to_string(current_.failures) +
                          (current_.failures == 1 ? " attempt" : " attempts in a row") +
                          " to start a worker of it failed",
                      capacity());
    current_ = previous;
    dismiss_unacked(failed, now);
    if (again) return begin_upgrade(*again, now);
    if (wishes_.retries && current_.failures > *wishes_.retries) give_up();
}

void group::close_upgrade(std::string reason, std::optional<unsigned> serving) {
    tell(report_of::upgrade_aborted{current_.generation, std::move(reason),
                                    std::move(upgrade_->failures), serving});
    upgrade_.reset();
}

void group::give_up() {
    phase_ = group_phase::given_up;
    std::erase_if(workers_, [](const worker& who) { return !who.spawn_requested; });
    current_.wait_untold = false;
    tell(report_of::gave_up{current_.failures});
}

void group::ack(worker& who, time_point now) {
    set_state(who, worker_state::ready);
    who.acked_at = now;
    tell(report_of::worker_acked{who, now - who.since});
    if (lineage* line = lineage_of(who.generation)) {
        line->proven = true;
        if (std::exchange(line->failures, 0) > 0) line->not_before.reset();
    }
    if (!upgrade_ || is_old(who)) return;
    upgrade_->failures.clear();
    tell(report_of::upgrade_advanced{who.generation, take_census().fresh_ready, wishes_.number});
}

void group::miss_ack(worker& who, time_point now) {
    duration age = now - who.since;
    tell(report_of::ack_overdue{who, age});
    failure what{who.pid, who.index, "no ack", age};
    ++restarts_[who.index];
    who.overdue = true;
    // It has never served, so it has nothing to finish: no stop signal, and no long patience.
    dismiss(who, SIGTERM, haste::hurried, now);
    fail(who.generation, std::move(what), now);
}

void group::die_ready(const worker& who, const death& how, time_point now) {
    if (phase_ != group_phase::running) return;
    lineage* line = lineage_of(who.generation);
    bool killed = how.cause.kind == exit_cause::kind_type::signaled &&
                  (how.cause.number == SIGKILL || how.cause.number == SIGTERM);
    if (line && !killed) {
        line->rapid_deaths = how.age < rapid_death ? line->rapid_deaths + 1 : 0;
        if (is_crash_loop(line->rapid_deaths, wishes_)) return wait_after(*line, 1, now);
    }
    // An old one that dies during an upgrade is refill's affair.
    census count = take_census();
    if (!(upgrade_ && is_old(who)) && count.fresh_active < wishes_.number)
        add(current_.generation, 1, now);
}

void group::fail(core::generation number, failure what, time_point now) {
    lineage* line = lineage_of(number);
    if (!line || phase_ != group_phase::running) return;
    ++line->failures;
    if (upgrade_ && line == &current_) {
        if (upgrade_->failures.size() == failures_told)
            upgrade_->failures.erase(upgrade_->failures.begin());
        upgrade_->failures.push_back(std::move(what));
        if (line->failures >= upgrade_failure_limit(wishes_)) return abort_upgrade(now);
    } else if (!upgrade_ && wishes_.retries && line->failures > *wishes_.retries) {
        return give_up();
    }
    wait_after(*line, line->failures, now);
}

void group::wait_after(lineage& line, unsigned row, time_point now) {
    double jitter = static_cast<double>(random_() - random_.min()) /
                    static_cast<double>(random_.max() - random_.min());
    // A scarcity in the middle of a row of deaths does not shorten what they have earned.
    line.not_before =
        std::max(line.not_before, std::optional(now + back_off(wishes_.seconds, row, jitter)));
    line.wait_untold = true;
}

// The table

void group::add(core::generation number, unsigned count, time_point now) {
    for (; count > 0; --count) {
        unsigned index = free_index();
        auto restarts = restarts_.find(index);
        workers_.push_back({.id = worker_id(++last_id_),
                            .index = index,
                            .generation = number,
                            .restarts = restarts == restarts_.end() ? 0 : restarts->second,
                            .since = now});
    }
}

void group::set_state(worker& who, worker_state state) {
    assert(is_legal_move(who.state, state));
    who.state = state;
}

void group::dismiss(worker& who, int signal, haste how, time_point now) {
    if (who.active()) set_state(who, worker_state::stopping);
    who.told = {signal, now, how};
    if (who.pid != 0 && !will_signal(who.id, signal))
        actions_.push_back(action::signal{who.id, who.pid, signal});
}

void group::dismiss_all(int signal, time_point now) {
    for (worker& who : workers_) {
        bool told_as_firmly =
            !who.active() && (who.told.signal == signal || who.told.signal == SIGKILL ||
                              (who.told.signal == SIGTERM && signal == wishes_.stop_signal));
        if (!told_as_firmly) dismiss(who, signal, haste::patient, now);
    }
}

void group::dismiss_unacked(core::generation number, time_point now) {
    drop_unrequested(number);
    for (worker& who : workers_)
        if (who.generation == number && who.state == worker_state::starting)
            dismiss(who, wishes_.stop_signal, haste::patient, now);
}

void group::retire(worker_id id, time_point now) {
    worker* who = find_mutable(id);
    if (who->spawn_requested)
        dismiss(*who, wishes_.stop_signal, haste::patient, now);
    else
        remove(id);
}

void group::drop_unrequested(core::generation number) {
    std::erase_if(workers_, [&](const worker& who) {
        return !who.spawn_requested && who.generation == number;
    });
}

worker group::remove(worker_id id) {
    auto found = std::ranges::find(workers_, id, &worker::id);
    assert(found != workers_.end());
    worker who = std::move(*found);
    workers_.erase(found);
    return who;
}

/// Whether that was decided in this turn already, before the operator changed his mind twice.
bool group::will_signal(worker_id id, int signal) const {
    return std::ranges::any_of(actions_, [&](const action_type& what) {
        auto* sent = std::get_if<action::signal>(&what);
        return sent && sent->id == id && sent->number == signal;
    });
}

/// Once its end is known its pid may be given to another process at any time.
void group::cancel_signals(worker_id id) {
    std::erase_if(actions_, [&](const action_type& what) {
        auto* sent = std::get_if<action::signal>(&what);
        return sent && sent->id == id;
    });
}

const worker* group::find(process_id pid) const {
    auto found = std::ranges::find(workers_, pid, &worker::pid);
    return pid == 0 || found == workers_.end() ? nullptr : &*found;
}

worker* group::find_mutable(process_id pid) { return const_cast<worker*>(find(pid)); }

worker* group::find_mutable(worker_id id) {
    auto found = std::ranges::find(workers_, id, &worker::id);
    return found == workers_.end() ? nullptr : &*found;
}

lineage* group::lineage_of(core::generation number) {
    if (number == current_.generation) return &current_;
    if (upgrade_ && number == upgrade_->previous.generation) return &upgrade_->previous;
    return nullptr;
}

bool group::needs(core::generation number) const {
    return number == current_.generation || (upgrade_ && number == upgrade_->previous.generation) ||
           std::ranges::any_of(workers_, [&](const worker& who) {
               return who.pid == 0 && who.generation == number;
           });
}

unsigned group::capacity() const {
    return static_cast<unsigned>(std::ranges::count(workers_, worker_state::ready, &worker::state));
}

/// Without an upgrade all generations that serve are equal.
bool group::is_old(const worker& who) const {
    return upgrade_ && who.generation != current_.generation;
}

census group::take_census() const {
    census count;
    for (const worker& who : workers_) {
        ++count.existing;
        if (!who.active()) continue;
        if (is_old(who)) {
            ++count.old_active;
            continue;
        }
        ++count.fresh_active;
        ++(who.state == worker_state::ready ? count.fresh_ready : count.fresh_unacked);
    }
    return count;
}

unsigned group::free_index() const {
    std::vector<bool> taken(workers_.size() + 1);
    for (const worker& who : workers_)
        if (who.index < taken.size()) taken[who.index] = true;
    return static_cast<unsigned>(std::ranges::find(taken, false) - taken.begin());
}

void group::tell(report what) { actions_.push_back(action::tell{std::move(what)}); }

} // namespace einhyrningsins::core
