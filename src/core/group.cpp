// SPDX-License-Identifier: GPL-3.0-or-later
//
// What the group makes of events.
#include "core/group.hpp"

#include "core/assert.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace einhyrningsins::core {

group::group(const policy& policy, unsigned seed) : state_{.wishes = policy}, random_(seed) {}

group::group(group_state state, unsigned seed, bool spawns_go_on)
    : state_(std::move(state)),
      random_(seed) {
    auto workers = std::exchange(state_.workers, {});
    if (!spawns_go_on) std::erase_if(workers, std::mem_fn(&worker::is_being_spawned));
    table_ = process_table(std::move(workers));
}

group_state group::state() const {
    assert(out_.empty());
    group_state all = state_;
    all.workers = table_.workers();
    return all;
}

void group::apply(const event_type& event, time_point now) {
    std::visit([&](const auto& alternative) { on(alternative, now); }, event);
}

// Events

void group::on(const event::open&, time_point now) {
    if (state_.phase != group_phase::stopped) return;
    state_.phase = group_phase::waiting;
    state_.opened_at = now;
    state_.demanded = false;
    const policy& policy = state_.wishes;
    if (policy.on_demand || policy.warmup > duration::zero())
        out_.tell(report_of::waiting{policy.on_demand, policy.warmup});
}

void group::on(const event::demanded&, time_point) {
    if (awaits_demand()) state_.demanded = true;
}

void group::on(const event::start&, time_point now) {
    state_.start_again = false;
    if (state_.phase != group_phase::running) run(now);
}

void group::on(const event::stop& event, time_point now) {
    end_upgrades("the group was told to stop");
    state_.start_again = false;
    stop(event, now);
}

void group::stop(const event::stop& event, time_point now) {
    if (state_.phase == group_phase::stopped) return;
    state_.phase = group_phase::stopping;
    table_.drop_wanted();
    bool by_command =
        state_.wishes.stop_command && event.signal == state_.wishes.stop_signal && !event.as_such;
    if (!by_command) return dismiss_all(event.signal, now);
    dismiss_by_command(now);
}

void group::on(const event::stop_command_failed&, time_point now) {
    for (worker& worker : table_)
        if (worker.state == worker_state::stopping_by_command)
            dismiss(worker, state_.wishes.stop_signal, haste::patient, now);
}

void group::on(const event::restart& event, time_point now) {
    if (state_.phase == group_phase::stopped || state_.phase == group_phase::waiting)
        return run(now);
    if (state_.upgrade) put_off_upgrade();
    stop({event.signal.value_or(state_.wishes.stop_signal)}, now);
    state_.start_again = true;
}

void group::on(const event::forward& event, time_point) {
    for (const worker& worker : table_)
        if (worker.has_process()) out_.push(action::signal{worker.id, event.signal, false});
}

void group::on(const event::resize& event, time_point) {
    assert(event.number > 0);
    state_.wishes.number = event.number;
    resize_signal_ = event.signal;
    want_ended_again();
}

void group::on(const event::reconfigure& event, time_point now) {
    assert(event.policy.number > 0);
    if (state_.wishes.number != event.policy.number) want_ended_again();
    // A new limit for signs of life counts from now on: the last one may be long ago.
    if (state_.wishes.live_check != event.policy.live_check)
        for (worker& worker : table_)
            if (worker.is_ready()) worker.excused = now - worker.waited_for_since();
    state_.wishes = event.policy;
    if (std::holds_alternative<ack_timer>(state_.wishes.ack)) return;
    // A worker that acked while nobody asked for it will not do so again.
    for (worker& worker : table_)
        if (worker.state == worker_state::starting && worker.spoke) ack(worker, now);
}

void group::on(const event::spawned& event, time_point now) {
    worker* fresh = table_.find(event.id);
    if (!fresh || !fresh->is_being_spawned()) return;
    table_.spawned(*fresh, event.pid, now);
    if (lineage* line = lineage_of(fresh->generation)) line->scarcities = 0;
    out_.tell(report_of::worker_started{*fresh});
    if (!fresh->active()) dismiss(*fresh, fresh->told.signal, fresh->told.how, now);
}

void group::on(const event::spawn_failed& event, time_point now) {
    const worker* found = table_.find(event.id);
    if (!found || !found->is_being_spawned()) return;
    worker lost = table_.remove(event.id);
    lineage* line = lineage_of(lost.generation);
    if (!lost.active() || !line) return;
    bool for_good =
        !event.scarce && state_.wishes.restart == restart_policy::never && !is_on_trial(lost);
    // One line for each round of attempts; the others would only repeat it.
    bool told = line->not_before || (for_good && std::exchange(line->unstartable_told, true));
    if (!told && state_.phase == group_phase::running)
        out_.tell(report_of::start_failed{lost.index, lost.generation, event.reason, event.scarce});
    if (for_good) return end_for_good(lost);
    table_.drop_wanted(lost.generation);
    if (event.scarce) return wait_after(*line, ++line->scarcities, now);
    fail(lost.generation, {0, lost.index, event.reason, duration::zero()}, now);
}

void group::on(const event::exited& event, time_point now) {
    const worker* found = table_.find(event.id);
    if (!found || !found->has_process()) return;
    worker dead = table_.remove(event.id);
    out_.cancel_signals(dead.id);
    death how{dead.pid, event.cause, now - dead.since, dead.generation};
    bool for_good =
        dead.active() && !is_on_trial(dead) && ends_for_good(how.cause, state_.wishes.restart);
    out_.tell(report_of::worker_died{dead, how.cause, how.age, !dead.active(), for_good});
    if (!dead.active()) {
        if (!dead.overdue) state_.restarts.erase(dead.index);
        return;
    }
    state_.last_death = how;
    ++state_.restarts[dead.index];
    if (for_good) return end_for_good(dead);
    if (dead.is_ready()) return die_ready(dead, how, now);
    fail(dead.generation, {dead.pid, dead.index, to_string(how.cause), how.age}, now);
}

void group::on(const event::acked& event, time_point now) {
    worker* sender = table_.find(event.id);
    if (!sender || sender->state != worker_state::starting) return;
    sender->spoke = true;
    if (std::holds_alternative<ack_timer>(state_.wishes.ack)) return;
    ack(*sender, now);
    if (event.signal) ack_signal_ = event.signal;
}

void group::on(const event::touched& event, time_point now) {
    worker* sender = table_.find(event.id);
    if (sender && sender->has_process()) sender->touch(now);
}

void group::on(const event::pinged& event, time_point now) {
    worker* sender = table_.find(event.id);
    if (!sender || !sender->has_process()) return;
    sender->pinged_at = now;
    sender->ping_id = event.request_id;
}

void group::on(const event::stalled& event, time_point now) {
    for (worker& worker : table_)
        worker.excuse(event.length, now);
}

void group::on(const event::unheard& event, time_point) {
    if (!std::holds_alternative<ack_manual>(state_.wishes.ack)) return;
    for (worker& worker : table_)
        if (worker.state == worker_state::starting) worker.excused += event.length;
}

// Phases and generations

/// What starts is the newest in any case; as an upgrade if somebody has asked for one meanwhile,
/// with all workers at once like any other start.
void group::run(time_point now) {
    state_.phase = group_phase::running;
    if (std::exchange(state_.starts_as_upgrade, false))
        return begin_upgrade({upgrade_mode::fleet, {}}, now);
    begin_generation();
    out_.push(action::begin_generation{state_.current.generation});
    add(state_.current.generation, state_.wishes.number, now);
}

void group::begin_generation() { state_.current = lineage{.generation = ++state_.last_generation}; }

void group::give_up() {
    state_.phase = group_phase::given_up;
    table_.drop_wanted();
    state_.current.wait_untold = false;
    out_.tell(report_of::gave_up{state_.current.failures});
}

void group::add(core::generation number, unsigned count, time_point now) {
    for (; count > 0; --count) {
        worker& added = table_.add(worker_id(++state_.last_id), number, now);
        auto restarts = state_.restarts.find(added.index);
        if (restarts != state_.restarts.end()) added.restarts = restarts->second;
    }
}

lineage* group::lineage_of(core::generation number) {
    if (number == state_.current.generation) return &state_.current;
    if (state_.upgrade && number == state_.upgrade->previous.generation)
        return &state_.upgrade->previous;
    return nullptr;
}

census group::take_census() const {
    std::optional<core::generation> newest;
    if (state_.upgrade) newest = state_.current.generation;
    census count = table_.count(newest);
    count.wanted = wanted();
    return count;
}

// Queries

bool group::needs(core::generation number) const {
    return number == state_.current.generation ||
           (state_.upgrade && number == state_.upgrade->previous.generation) ||
           std::ranges::any_of(table_, [&](const worker& worker) {
               return !worker.has_process() && worker.generation == number;
           });
}

worker_id group::id_of(process_id pid) const {
    const worker* found = find(pid);
    return found ? found->id : worker_id{};
}

std::vector<process_id> group::processes() const {
    std::vector<process_id> all;
    for (const worker& worker : table_)
        if (worker.has_process()) all.push_back(worker.pid);
    return all;
}

std::vector<process_id> group::active_processes() const {
    std::vector<process_id> all;
    for (const worker& worker : table_)
        if (worker.has_process() && worker.active()) all.push_back(worker.pid);
    return all;
}

bool group::can_upgrade() const {
    return state_.phase == group_phase::running || state_.phase == group_phase::given_up ||
           is_restarting();
}

bool group::awaits_demand() const {
    return state_.phase == group_phase::waiting && state_.wishes.on_demand && !state_.demanded;
}

} // namespace einhyrningsins::core
