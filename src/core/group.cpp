// SPDX-License-Identifier: GPL-3.0-or-later
//
// What the group makes of events. The decisions are in reconcile.cpp, upgrades in upgrade.cpp.
#include "core/group.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace einhyrningsins::core {
namespace {

/// How many failures of a row are kept for the report of an aborted upgrade.
constexpr std::size_t failures_told = 10;

} // namespace

group::group(const policy& wishes, unsigned seed) : state_{.wishes = wishes}, random_(seed) {}

group::group(group_state state, unsigned seed, bool spawns_go_on)
    : state_(std::move(state)),
      random_(seed) {
    if (spawns_go_on) return;
    std::erase_if(state_.workers,
                  [](const worker& who) { return who.pid == 0 && who.spawn_requested; });
}

group_state group::state() const {
    assert(actions_.empty());
    return state_;
}

void group::apply(const event_type& what, time_point now) {
    std::visit([&](const auto& it) { on(it, now); }, what);
}

// Events

void group::on(const event::open&, time_point now) {
    if (state_.phase != group_phase::stopped) return;
    state_.phase = group_phase::waiting;
    state_.opened_at = now;
    state_.demanded = false;
    const policy& wishes = state_.wishes;
    if (wishes.on_demand || wishes.warmup > duration::zero())
        tell(report_of::waiting{wishes.on_demand, wishes.warmup});
}

void group::on(const event::demanded&, time_point) {
    if (awaits_demand()) state_.demanded = true;
}

void group::on(const event::start&, time_point now) {
    state_.start_again = false;
    if (state_.phase != group_phase::running) run(now);
}

void group::on(const event::stop& what, time_point now) {
    state_.start_again = false;
    if (state_.phase == group_phase::stopped) return;
    if (state_.upgrade) close_upgrade("the group was told to stop", std::nullopt);
    bool begins = std::exchange(state_.phase, group_phase::stopping) != group_phase::stopping;
    std::erase_if(state_.workers, [](const worker& who) { return !who.spawn_requested; });
    bool by_command =
        state_.wishes.stop_command && what.signal == state_.wishes.stop_signal && !what.as_such;
    if (!by_command) return dismiss_all(what.signal, now);
    if (begins) dismiss_by_command(now);
}

void group::on(const event::stop_command_failed&, time_point now) {
    for (worker& who : state_.workers)
        if (!who.active() && who.told.signal == 0)
            dismiss(who, state_.wishes.stop_signal, haste::patient, now);
}

void group::on(const event::restart&, time_point now) {
    if (state_.phase == group_phase::stopped || state_.phase == group_phase::waiting)
        return run(now);
    on(event::stop{state_.wishes.stop_signal}, now);
    state_.start_again = true;
}

void group::on(const event::forward& what, time_point) {
    for (const worker& who : state_.workers)
        if (who.pid != 0) actions_.push_back(action::signal{who.id, who.pid, what.signal});
}

void group::on(const event::resize& what, time_point) {
    assert(what.number > 0);
    state_.wishes.number = what.number;
    want_ended_again();
}

void group::on(const event::reconfigure& what, time_point now) {
    assert(what.policy.number > 0);
    if (state_.wishes.number != what.policy.number) want_ended_again();
    state_.wishes = what.policy;
    if (std::holds_alternative<ack_timer>(state_.wishes.ack)) return;
    // Who spoke while nobody asked for it will not do so again.
    for (worker& who : state_.workers)
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
    bool for_good =
        !what.scarce && state_.wishes.restart == restart_policy::never && !is_on_trial(who);
    // One line for each round of attempts; the others would only repeat it.
    bool told = line->not_before || (for_good && std::exchange(line->unstartable_told, true));
    if (!told && state_.phase == group_phase::running)
        tell(report_of::start_failed{who.index, who.generation, what.reason, what.scarce});
    if (for_good) return end_for_good(who);
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
    bool for_good =
        who.active() && !is_on_trial(who) && ends_for_good(how.cause, state_.wishes.restart);
    tell(report_of::worker_died{who, how.cause, how.age, !who.active(), for_good});
    if (!who.active()) {
        if (!who.overdue) state_.restarts.erase(who.index);
        return;
    }
    state_.last_death = how;
    ++state_.restarts[who.index];
    if (for_good) return end_for_good(who);
    if (who.state == worker_state::ready) return die_ready(who, how, now);
    fail(who.generation, {who.pid, who.index, to_string(how.cause), how.age}, now);
}

void group::on(const event::acked& what, time_point now) {
    worker* who = find_mutable(what.pid);
    if (!who || who->state != worker_state::starting) return;
    who->spoke = true;
    if (!std::holds_alternative<ack_timer>(state_.wishes.ack)) ack(*who, now);
}

void group::on(const event::touched& what, time_point now) {
    if (worker* who = find_mutable(what.pid)) who->touched_at = now;
}

void group::on(const event::pinged& what, time_point now) {
    worker* who = find_mutable(what.pid);
    if (!who) return;
    who->pinged_at = now;
    who->ping_id = what.request_id;
}

// What events lead to

void group::run(time_point now) {
    state_.phase = group_phase::running;
    begin_generation();
    actions_.push_back(action::begin_generation{state_.current.generation});
    add(state_.current.generation, state_.wishes.number, now);
}

void group::begin_generation() { state_.current = lineage{.generation = ++state_.last_generation}; }

void group::give_up() {
    state_.phase = group_phase::given_up;
    std::erase_if(state_.workers, [](const worker& who) { return !who.spawn_requested; });
    state_.current.wait_untold = false;
    tell(report_of::gave_up{state_.current.failures});
}

void group::ack(worker& who, time_point now) {
    set_state(who, worker_state::ready);
    who.acked_at = now;
    tell(report_of::worker_acked{who, now - who.since});
    if (lineage* line = lineage_of(who.generation)) {
        line->proven = true;
        if (std::exchange(line->failures, 0) > 0) line->not_before.reset();
    }
    if (!state_.upgrade || is_old(who)) return;
    state_.upgrade->failures.clear();
    tell(report_of::upgrade_advanced{
        who.generation, take_census().fresh_ready + state_.current.ended, state_.wishes.number});
}

void group::miss_ack(worker& who, time_point now) {
    duration age = now - who.since;
    tell(report_of::ack_overdue{who, age});
    failure what{who.pid, who.index, "no ack", age};
    ++state_.restarts[who.index];
    who.overdue = true;
    // It has never served, so it has nothing to finish: no stop signal, and no long patience.
    dismiss(who, SIGTERM, haste::hurried, now);
    fail(who.generation, std::move(what), now);
}

void group::die_ready(const worker& who, const death& how, time_point now) {
    if (state_.phase != group_phase::running) return;
    lineage* line = lineage_of(who.generation);
    bool killed = how.cause.kind == exit_cause::kind_type::signaled &&
                  (how.cause.number == SIGKILL || how.cause.number == SIGTERM);
    if (line && !killed) {
        line->rapid_deaths = how.age < rapid_death ? line->rapid_deaths + 1 : 0;
        if (is_crash_loop(line->rapid_deaths, state_.wishes)) return wait_after(*line, 1, now);
    }
    replace_at_once(who, now);
}

/// An old one that is lost during an upgrade is refill's affair.
void group::replace_at_once(const worker& lost, time_point now) {
    if (is_old(lost) || waits_for_old()) return;
    census count = take_census();
    if (count.fresh_active < count.wanted) add(state_.current.generation, 1, now);
}

/// It has ended by itself, and no other is wanted. One that was too many leaves no gap.
void group::end_for_good(const worker& who) {
    lineage& line = is_old(who) ? state_.upgrade->previous : state_.current;
    census count = take_census();
    if ((is_old(who) ? count.old_active : count.fresh_active) < wanted(line)) ++line.ended;
}

void group::want_ended_again() {
    for (lineage* line : {&state_.current, state_.upgrade ? &state_.upgrade->previous : nullptr})
        if (line) line->ended = 0, line->unstartable_told = false;
}

void group::miss_live_check(worker_id id, time_point now) {
    worker& who = *find_mutable(id);
    tell(report_of::live_check_missed{who, now - last_sign_of_life(who)});
    ++state_.restarts[who.index];
    who.overdue = true;
    dismiss(who, SIGKILL, haste::hurried, now);
    replace_at_once(worker(who), now); // a copy: the table may move
}

void group::fail(core::generation number, failure what, time_point now) {
    lineage* line = lineage_of(number);
    if (!line || state_.phase != group_phase::running) return;
    ++line->failures;
    if (state_.upgrade && line == &state_.current) {
        if (state_.upgrade->failures.size() == failures_told)
            state_.upgrade->failures.erase(state_.upgrade->failures.begin());
        state_.upgrade->failures.push_back(std::move(what));
        if (line->failures >= upgrade_failure_limit(state_.wishes)) return abort_upgrade(now);
    } else if (!state_.upgrade && state_.wishes.retries &&
               line->failures > *state_.wishes.retries) {
        return give_up();
    }
    wait_after(*line, line->failures, now);
}

void group::wait_after(lineage& line, unsigned row, time_point now) {
    double jitter = static_cast<double>(random_() - random_.min()) /
                    static_cast<double>(random_.max() - random_.min());
    // A scarcity in the middle of a row of deaths does not shorten what they have earned.
    auto end = now + back_off(state_.wishes.seconds, row, jitter);
    line.not_before = std::max(line.not_before, std::optional(end));
    line.wait_untold = true;
}

void group::dismiss(worker& who, int signal, haste how, time_point now) {
    if (who.active()) set_state(who, worker_state::stopping);
    who.told = {signal, now, how};
    if (who.pid != 0 && signal != 0 && !will_signal(who.id, signal))
        actions_.push_back(action::signal{who.id, who.pid, signal});
}

void group::dismiss_all(int signal, time_point now) {
    for (worker& who : state_.workers) {
        bool told_as_firmly =
            !who.active() && (who.told.signal == signal || who.told.signal == SIGKILL ||
                              (who.told.signal == SIGTERM && signal == state_.wishes.stop_signal));
        if (!told_as_firmly) dismiss(who, signal, haste::patient, now);
    }
}

/// Those that are there are the command's affair. Who comes after it is told as ever.
void group::dismiss_by_command(time_point now) {
    bool any = false;
    for (worker& who : state_.workers) {
        if (!who.active()) continue;
        any |= who.pid != 0;
        dismiss(who, who.pid != 0 ? 0 : state_.wishes.stop_signal, haste::patient, now);
    }
    if (any) actions_.push_back(action::run_stop_command{});
}

void group::dismiss_unacked(core::generation number, time_point now) {
    drop_unrequested(number);
    for (worker& who : state_.workers)
        if (who.generation == number && who.state == worker_state::starting)
            dismiss(who, state_.wishes.stop_signal, haste::patient, now);
}

void group::retire(worker_id id, time_point now) {
    worker* who = find_mutable(id);
    if (who->spawn_requested)
        dismiss(*who, state_.wishes.stop_signal, haste::patient, now);
    else
        remove(id);
}

bool group::needs(core::generation number) const {
    return number == state_.current.generation ||
           (state_.upgrade && number == state_.upgrade->previous.generation) ||
           std::ranges::any_of(state_.workers, [&](const worker& who) {
               return who.pid == 0 && who.generation == number;
           });
}

std::vector<process_id> group::processes() const {
    std::vector<process_id> all;
    for (const worker& who : state_.workers)
        if (who.pid != 0) all.push_back(who.pid);
    return all;
}

std::vector<process_id> group::active_processes() const {
    std::vector<process_id> all;
    for (const worker& who : state_.workers)
        if (who.pid != 0 && who.active()) all.push_back(who.pid);
    return all;
}

bool group::can_upgrade() const {
    return state_.phase == group_phase::running || state_.phase == group_phase::given_up;
}

bool group::awaits_demand() const {
    return state_.phase == group_phase::waiting && state_.wishes.on_demand && !state_.demanded;
}

void group::tell(report what) { actions_.push_back(action::tell{std::move(what)}); }

} // namespace einhyrningsins::core
