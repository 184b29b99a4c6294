// SPDX-License-Identifier: GPL-3.0-or-later
//
// How a group is brought to another generation, and back if that fails.
#include "core/group.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace einhyrningsins::core {

void group::on(const event::upgrade& what, time_point now) {
    if (!can_upgrade()) return;
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

void group::advance_upgrade(time_point now) {
    if (!state_.upgrade) return;
    if (state_.upgrade->again && now >= state_.upgrade->began_at + upgrade_overtakes_after)
        begin_upgrade(*state_.upgrade->again, now);
    release_old(now);
    if (!is_complete(take_census())) return;
    finish_upgrade(now);
    if (state_.upgrade) release_old(now); // another has begun
}

/// Tells those old workers to go that are not needed any more.
void group::release_old(time_point now) {
    census count = take_census();
    if (stops_first())
        retire_old(count.old_active, now);
    else if (state_.upgrade->mode == upgrade_mode::rolling || is_complete(count))
        retire_old(retirements_allowed(count), now);
}

/// Whether an upgrade has to stop the old workers before it starts new ones.
bool group::stops_first() const { return std::holds_alternative<ack_none>(state_.wishes.ack); }

/// Until the new generation is proven the old one keeps the capacity that the upgrade began with.
bool group::keeps_previous() const {
    return state_.upgrade && !state_.current.proven && !stops_first();
}

bool group::waits_for_old() const {
    return state_.upgrade && stops_first() &&
           std::ranges::any_of(state_.workers, [&](auto& who) { return is_old(who); });
}

unsigned group::missing_old() const {
    if (!keeps_previous()) return 0;
    unsigned least = std::min(state_.upgrade->capacity, wanted(state_.upgrade->previous));
    unsigned there = take_census().old_active;
    return least > there ? least - there : 0;
}

void group::refill_previous(time_point now) {
    lineage& previous = state_.upgrade->previous;
    if (is_due(previous.not_before, now)) previous.not_before.reset();
    announce_waiting(previous, now);
    if (!previous.not_before) add(previous.generation, missing_old(), now);
}

void group::announce_held(const census& count) {
    if (!state_.upgrade || state_.upgrade->held || !state_.wishes.max_upgrade_additional) return;
    if (count.fresh_unacked > 0 || count.fresh_active >= count.wanted) return;
    unsigned lingering = count.existing - count.fresh_active - count.old_active;
    if (lingering == 0) return;
    state_.upgrade->held = true;
    tell(report_of::upgrade_held{state_.current.generation, lingering});
}

} // namespace einhyrningsins::core
