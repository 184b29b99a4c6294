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
    bool by_command = state_.wishes.stop_command && what.signal == state_.wishes.stop_signal;
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

void group::on(const event::upgrade& what, time_point now) {
    if (state_.phase != group_phase::running && state_.phase != group_phase::given_up) return;
    state_.phase = group_phase::running;
    if (!state_.upgrade) return begin_upgrade(what.mode, now);
    // Nothing of the new generation has been started: this request is served by it as well.
    if (!state_.upgrade->spawned) {
        state_.upgrade->mode = what.mode;
        return;
    }
    if (!state_.upgrade->again) tell(report_of::upgrade_overtaken{state_.current.generation});
    state_.upgrade->again = what.mode;
}

void group::on(const event::resize& what, time_point) {
    assert(what.number > 0);
    state_.wishes.number = what.number;
}

void group::on(const event::reconfigure& what, time_point now) {
    assert(what.policy.number > 0);
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
    // One line for each round of attempts; the others would only repeat it.
    if (!line->not_before && state_.phase == group_phase::running)
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
        if (!who.overdue) state_.restarts.erase(who.index);
        return;
    }
    state_.last_death = how;
    ++state_.restarts[who.index];
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
    add(state_.current.generation, state_.wishes.number, now);
}

void group::begin_generation() {
    state_.current = lineage{.generation = ++state_.last_generation};
    actions_.push_back(action::begin_generation{state_.last_generation});
}

void group::begin_upgrade(upgrade_mode mode, time_point now) {
    upgrade_progress next{
        .mode = mode, .previous = state_.current, .capacity = capacity(), .began_at = now};
    if (state_.upgrade) {
        dismiss_unacked(state_.current.generation, now);
        if (!state_.current.proven) next.previous = state_.upgrade->previous;
    }
    state_.upgrade = std::move(next);
    begin_generation();
    tell(report_of::upgrade_began{mode, state_.current.generation, state_.wishes.number});
}

void group::finish_upgrade(time_point now) {
    if (state_.upgrade->again) return begin_upgrade(*state_.upgrade->again, now);
    state_.upgrade.reset();
    tell(report_of::upgrade_done{state_.current.generation});
}

void group::abort_upgrade(time_point now) {
    auto again = state_.upgrade->again;
    core::generation failed = state_.current.generation;
    lineage previous = state_.upgrade->previous;
    if (again)
        state_.upgrade.reset();
    else
        close_upgrade(std::to_string(state_.current.failures) +
                          (state_.current.failures == 1 ? " attempt" : " attempts in a row") +
                          " to start a worker of it failed",
                      capacity());
    state_.current = previous;
    dismiss_unacked(failed, now);
    if (again) return begin_upgrade(*again, now);
    if (state_.wishes.retries && state_.current.failures > *state_.wishes.retries) give_up();
}

void group::close_upgrade(std::string reason, std::optional<unsigned> serving) {
    tell(report_of::upgrade_aborted{state_.current.generation, std::move(reason),
                                    std::move(state_.upgrade->failures), serving});
    state_.upgrade.reset();
}

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
    tell(report_of::upgrade_advanced{who.generation, take_census().fresh_ready,
                                     state_.wishes.number});
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
    // An old one that dies during an upgrade is refill's affair.
    census count = take_census();
    if (!(state_.upgrade && is_old(who)) && count.fresh_active < state_.wishes.number)
        add(state_.current.generation, 1, now);
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
    line.not_before = std::max(line.not_before,
                               std::optional(now + back_off(state_.wishes.seconds, row, jitter)));
    line.wait_untold = true;
}

// The table

void group::add(core::generation number, unsigned count, time_point now) {
    for (; count > 0; --count) {
        unsigned index = free_index();
        auto restarts = state_.restarts.find(index);
        state_.workers.push_back(
            {.id = worker_id(++state_.last_id),
             .index = index,
             .generation = number,
             .restarts = restarts == state_.restarts.end() ? 0 : restarts->second,
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

void group::drop_unrequested(core::generation number) {
    std::erase_if(state_.workers, [&](const worker& who) {
        return !who.spawn_requested && who.generation == number;
    });
}

worker group::remove(worker_id id) {
    auto found = std::ranges::find(state_.workers, id, &worker::id);
    assert(found != state_.workers.end());
    worker who = std::move(*found);
    state_.workers.erase(found);
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
    auto found = std::ranges::find(state_.workers, pid, &worker::pid);
    return pid == 0 || found == state_.workers.end() ? nullptr : &*found;
}

worker* group::find_mutable(process_id pid) { return const_cast<worker*>(find(pid)); }

worker* group::find_mutable(worker_id id) {
    auto found = std::ranges::find(state_.workers, id, &worker::id);
    return found == state_.workers.end() ? nullptr : &*found;
}

lineage* group::lineage_of(core::generation number) {
    if (number == state_.current.generation) return &state_.current;
    if (state_.upgrade && number == state_.upgrade->previous.generation)
        return &state_.upgrade->previous;
    return nullptr;
}

bool group::needs(core::generation number) const {
    return number == state_.current.generation ||
           (state_.upgrade && number == state_.upgrade->previous.generation) ||
           std::ranges::any_of(state_.workers, [&](const worker& who) {
               return who.pid == 0 && who.generation == number;
           });
}

bool group::awaits_demand() const {
    return state_.phase == group_phase::waiting && state_.wishes.on_demand && !state_.demanded;
}

unsigned group::capacity() const {
    return static_cast<unsigned>(
        std::ranges::count(state_.workers, worker_state::ready, &worker::state));
}

/// Without an upgrade all generations that serve are equal.
bool group::is_old(const worker& who) const {
    return state_.upgrade && who.generation != state_.current.generation;
}

census group::take_census() const {
    census count;
    for (const worker& who : state_.workers) {
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
    std::vector<bool> taken(state_.workers.size() + 1);
    for (const worker& who : state_.workers)
        if (who.index < taken.size()) taken[who.index] = true;
    return static_cast<unsigned>(std::ranges::find(taken, false) - taken.begin());
}

void group::tell(report what) { actions_.push_back(action::tell{std::move(what)}); }

} // namespace einhyrningsins::core
