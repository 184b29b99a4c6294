// SPDX-License-Identifier: GPL-3.0-or-later
//
// How a group is brought to another generation, and back if that fails.
#include "core/group.hpp"

#include <algorithm>
#include <tuple>
#include <utility>
#include <variant>

namespace einhyrningsins::core {
namespace {

const char* why_not_upgradable(const group_state& state) {
    if (state.phase == group_phase::stopped) return "the group is stopped";
    if (state.phase == group_phase::waiting) return "the group has not been started yet";
    return "the group is being stopped";
}

} // namespace

void group::on(const event::upgrade& request, time_point now) {
    out_.tell(report_of::upgrade_prepared{++upgrades_asked_});
    if (!can_upgrade()) return out_.tell(report_of::upgrade_refused{why_not_upgradable(state_)});
    if (state_.start_again) return put_off_upgrade();
    state_.phase = group_phase::running;
    if (!state_.upgrade) return begin_upgrade(request, now);
    upgrade_progress& running = *state_.upgrade;
    core::generation number = state_.current.generation;
    // Nothing of the new generation has been started: this request is served by it as well.
    if (!running.spawned) {
        event::upgrade both = joined({running.mode, running.signal}, request);
        running.mode = both.mode;
        running.signal = both.signal;
        return out_.tell(report_of::upgrade_joined{number, false});
    }
    if (running.next())
        out_.tell(report_of::upgrade_joined{number, true});
    else
        out_.tell(report_of::upgrade_overtaken{number});
    running.add_next(request);
}

/// Perhaps in the place of one under way.
void group::begin_upgrade(const event::upgrade& request, time_point now) {
    upgrade_progress next{.mode = request.mode,
                          .signal = request.signal,
                          .previous = state_.current,
                          .capacity = table_.capacity(),
                          .began_at = now};
    // Workers that died just before are replaced by new ones.
    table_.drop_wanted(state_.current.generation);
    if (state_.upgrade) {
        dismiss_unacked(state_.current.generation,
                        request.signal.value_or(state_.wishes.stop_signal), now);
        if (!state_.current.proven) next.previous = state_.upgrade->previous;
    }
    state_.upgrade = std::move(next);
    begin_generation();
    out_.tell(
        report_of::upgrade_began{request.mode, state_.current.generation, state_.wishes.number});
}

void group::finish_upgrade(time_point now) {
    if (auto next = state_.upgrade->next()) return begin_upgrade(*next, now);
    state_.upgrade.reset();
    out_.tell(report_of::upgrade_done{state_.current.generation});
}

void group::abort_upgrade(time_point now) {
    auto next = state_.upgrade->next();
    core::generation failed = state_.current.generation;
    if (!next)
        tell_aborted(std::to_string(state_.current.failures) +
                         (state_.current.failures == 1 ? " attempt" : " attempts in a row") +
                         " to start a worker of it failed",
                     table_.capacity());
    leave_upgrade();
    dismiss_unacked(failed, state_.wishes.stop_signal, now);
    if (next) return begin_upgrade(*next, now);
    if (state_.wishes.retries && state_.current.failures > *state_.wishes.retries) give_up();
}

void group::tell_aborted(std::string reason, std::optional<unsigned> serving) {
    out_.tell(report_of::upgrade_aborted{state_.current.generation, std::move(reason),
                                         std::move(state_.upgrade->failures), serving});
}

/// Without the generation that it leads to.
void group::leave_upgrade() {
    state_.current = state_.upgrade->previous;
    state_.upgrade.reset();
}

/// Until the restart that goes on has stopped all workers: what it starts is the newest. Whoever
/// waits for an upgrade under way waits for that one.
void group::put_off_upgrade() {
    out_.tell(report_of::upgrade_put_off{});
    state_.starts_as_upgrade = true;
    if (state_.upgrade) leave_upgrade();
}

/// As told to whoever waits.
void group::end_upgrades(const std::string& reason) {
    if (state_.upgrade) {
        tell_aborted(reason, std::nullopt);
        leave_upgrade();
    }
    if (std::exchange(state_.starts_as_upgrade, false))
        out_.tell(report_of::upgrade_aborted{state_.last_generation + 1, reason, {}, std::nullopt});
}

void group::advance_upgrade(time_point now) {
    if (!state_.upgrade) return;
    if (is_due(overtaking_due(), now)) begin_upgrade(*state_.upgrade->next(), now);
    release_old(now);
    if (!is_complete(take_census())) return;
    finish_upgrade(now);
    if (state_.upgrade) release_old(now); // another has begun
}

std::optional<time_point> group::overtaking_due() const {
    return state_.upgrade ? state_.upgrade->overtaken_at() : std::nullopt;
}

/// Tells those old workers to go that are not needed any more.
void group::release_old(time_point now) {
    census count = take_census();
    if (stops_first())
        retire_old(count.old_active, now);
    else if (state_.upgrade->mode == upgrade_mode::rolling || is_complete(count))
        retire_old(retirements_allowed(count), now);
}

/// Old workers go in the order of their age, those that do not serve yet before all others.
void group::retire_old(unsigned count, time_point now) {
    auto rank = [](const worker& worker) {
        return std::tuple(worker.is_ready(), worker.generation, worker.id);
    };
    int signal = ack_signal_.value_or(upgrade_signal());
    for (worker_id id :
         table_.choose(count, rank, [&](const worker& worker) { return is_old(worker); }))
        retire(id, signal, now);
}

/// Without an upgrade all generations that serve are equal.
bool group::is_old(const worker& worker) const {
    return state_.upgrade && worker.generation != state_.current.generation;
}

/// Whether its death is a failed attempt of an upgrade.
bool group::is_on_trial(const worker& worker) const {
    return state_.upgrade && !is_old(worker) && worker.is_unacked();
}

/// What the old workers of the upgrade under way are told to go by.
int group::upgrade_signal() const {
    return state_.upgrade->signal.value_or(state_.wishes.stop_signal);
}

/// Whether an upgrade has to stop the old workers before it starts new ones.
bool group::stops_first() const { return std::holds_alternative<ack_none>(state_.wishes.ack); }

/// Until the new generation is proven the old one keeps the capacity that the upgrade began with.
bool group::keeps_previous() const {
    return state_.upgrade && !state_.current.proven && !stops_first();
}

bool group::waits_for_old() const {
    return state_.upgrade && stops_first() &&
           std::ranges::any_of(table_, [&](const worker& worker) { return is_old(worker); });
}

unsigned group::missing_old() const {
    if (!keeps_previous()) return 0;
    unsigned least = state_.upgrade->least_old(state_.wishes);
    unsigned there = take_census().old_active;
    return least > there ? least - there : 0;
}

void group::refill_previous(time_point now) {
    lineage& previous = state_.upgrade->previous;
    bool waiting = previous.is_waiting(now);
    announce_back_off(previous, now);
    if (!waiting) add(previous.generation, missing_old(), now);
}

void group::announce_held(const census& count) {
    if (!state_.upgrade || state_.upgrade->held || !state_.wishes.max_upgrade_additional) return;
    if (count.fresh_unacked > 0 || count.fresh_active >= count.wanted) return;
    unsigned lingering = count.existing - count.fresh_active - count.old_active;
    if (lingering == 0) return;
    state_.upgrade->held = true;
    out_.tell(report_of::upgrade_held{state_.current.generation, lingering});
}

} // namespace einhyrningsins::core
