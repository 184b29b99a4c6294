// SPDX-License-Identifier: GPL-3.0-or-later
#include "simulation/invariants.hpp"

#include <algorithm>
#include <set>

namespace einhyrningsins::simulation {
namespace {

using namespace core;

void require(bool holds, const char* name, const std::string& seen) {
    if (!holds) throw broken_invariant(name, seen);
}

const worker* find(const group& in, worker_id id) {
    auto found = std::ranges::find(in.workers(), id, &worker::id);
    return found == in.workers().end() ? nullptr : &*found;
}

template <class Action, class Deed>
void for_each(const turn& what, Deed deed) {
    for (const action_type& one : what.actions)
        if (auto* it = std::get_if<Action>(&one)) deed(*it);
}

template <class Report>
const Report* told(const turn& what) {
    for (const action_type& one : what.actions)
        if (auto* tell = std::get_if<action::tell>(&one))
            if (auto* report = std::get_if<Report>(&tell->what)) return report;
    return nullptr;
}

bool has_begun_generation(const turn& what) {
    return std::ranges::any_of(what.actions, [](const action_type& one) {
        return std::holds_alternative<action::begin_generation>(one);
    });
}

/// The ready workers that this turn told to go.
std::vector<worker> dismissed_ready(const turn& what) {
    std::vector<worker> result;
    for (const worker& was : what.before.workers()) {
        const worker* is = find(what.after, was.id);
        if (was.state == worker_state::ready && is && !is->active()) result.push_back(was);
    }
    return result;
}

std::string describe(const worker& who) {
    return "#" + std::to_string(static_cast<unsigned long>(who.id)) + " pid " +
           std::to_string(who.pid) + " generation " + std::to_string(who.generation) + " " +
           to_string(who.state);
}

} // namespace

void invariants::check(const turn& what) {
    legal_moves(what);
    indices_are_unique(what);
    generation_grows(what);
    nothing_old_dies_first(what);
    fleet_waits_for_all(what);
    capacity_never_dips(what);
    surplus_is_bounded(what);
    backoff_is_bounded(what);
    give_up_is_final(what);
    abort_keeps_service(what);
    done_means_all_old_were_told(what);
    no_signal_without_process(what);
    reconcile_is_idempotent(what);
}

void invariants::legal_moves(const turn& what) const {
    for (const worker& was : what.before.workers()) {
        const worker* is = find(what.after, was.id);
        if (!is || is->state == was.state) continue;
        bool through_ready =
            was.state == worker_state::starting && is->state == worker_state::stopping;
        require(through_ready || is_legal_move(was.state, is->state), "legal_moves",
                describe(was) + " became " + to_string(is->state));
    }
}

void invariants::indices_are_unique(const turn& what) const {
    std::set<unsigned> seen;
    for (const worker& who : what.after.workers()) {
        require(seen.insert(who.index).second, "indices_are_unique", describe(who));
        require(who.index < what.after.workers().size() + what.before.workers().size() + 1 ||
                    find(what.before, who.id),
                "indices_are_unique", "not the smallest free: " + std::to_string(who.index));
    }
}

void invariants::generation_grows(const turn& what) const {
    for_each<action::begin_generation>(what, [&](const auto& begun) {
        for (const worker& who : what.before.workers())
            require(who.generation < begun.number, "generation_grows", describe(who));
    });
    for_each<action::spawn>(what, [&](const auto& spawn) {
        require(what.after.needs(spawn.generation), "generation_grows",
                "spawn in a generation that is not kept");
    });
}

void invariants::reconcile_is_idempotent(const turn& what) const {
    group copy = what.after;
    auto again = copy.reconcile(what.now);
    require(again.empty(), "reconcile_is_idempotent",
            again.empty() ? "" : "again: " + to_string(again.front()));
    auto deadline = what.after.next_deadline();
    bool more_spawns = std::ranges::any_of(what.after.workers(),
                                           [](const worker& who) { return !who.spawn_requested; });
    require(!deadline || *deadline > what.now || more_spawns, "reconcile_is_idempotent",
            "a deadline is in the past");
}

void invariants::nothing_old_dies_first(const turn& what) const {
    if (!what.after.upgrade() || what.after.current().proven) return;
    if (has_begun_generation(what)) return; // what went belonged to the upgrade before
    for (const worker& who : dismissed_ready(what))
        throw broken_invariant("nothing_old_dies_first", describe(who));
}

void invariants::fleet_waits_for_all(const turn& what) const {
    const auto& upgrade = what.applied.upgrade();
    bool fleet = upgrade && upgrade->mode == upgrade_mode::fleet;
    if (!fleet || has_begun_generation(what) || told<report_of::upgrade_aborted>(what)) return;
    if (dismissed_ready(what).empty()) return;
    auto fresh = std::ranges::count_if(what.after.workers(), [&](const worker& who) {
        return who.state == worker_state::ready &&
               who.generation >= what.applied.current().generation;
    });
    require(fresh >= what.after.wishes().number, "fleet_waits_for_all",
            std::to_string(fresh) + " new workers are ready");
}

void invariants::capacity_never_dips(const turn& what) const {
    if (what.after.phase() != group_phase::running || dismissed_ready(what).empty()) return;
    unsigned floor = std::min(what.after.wishes().number, what.applied.capacity());
    require(what.after.capacity() >= floor, "capacity_never_dips",
            std::to_string(what.after.capacity()) + " are ready, not " + std::to_string(floor));
}

void invariants::surplus_is_bounded(const turn& what) const {
    const policy& wishes = what.after.wishes();
    if (!what.after.upgrade() || what.after.upgrade()->mode != upgrade_mode::rolling) return;
    unsigned fresh_unacked = 0, fresh = 0, old = 0, added = 0;
    for (const worker& who : what.after.workers()) {
        if (!who.active()) continue;
        if (who.generation != what.after.current().generation) {
            ++old;
            continue;
        }
        ++fresh;
        if (who.state == worker_state::starting) ++fresh_unacked;
        if (!find(what.applied, who.id)) ++added;
    }
    if (added == 0) return;
    require(fresh <= wishes.number, "surplus_is_bounded", "more new workers than wanted");
    require(fresh_unacked <= wishes.max_unacked, "surplus_is_bounded",
            std::to_string(fresh_unacked) + " new workers are unacked");
    if (wishes.max_upgrade_additional)
        require(what.after.workers().size() <=
                    std::max(wishes.number, old) + *wishes.max_upgrade_additional,
                "surplus_is_bounded",
                std::to_string(what.after.workers().size()) + " workers exist");
}

/// A wait that was told holds until an ack, a new generation, or the replacement of a ready worker.
void invariants::backoff_is_bounded(const turn& what) {
    bool other_lineage = what.before.current().generation != what.after.current().generation;
    if (other_lineage || told<report_of::worker_acked>(what)) waiting_until_.reset();
    for (const worker& who : what.after.workers()) {
        bool added_by_reconcile = !find(what.applied, who.id);
        bool current = who.generation == what.after.current().generation;
        if (added_by_reconcile && current && waiting_until_)
            require(what.now >= *waiting_until_, "backoff_is_bounded", describe(who) + " is early");
    }
    const lineage& line = what.after.current();
    if (auto* waiting = told<report_of::backing_off>(what)) {
        require(waiting->delay <= std::chrono::seconds(33), "backoff_is_bounded",
                "waits for " + to_string(waiting->delay));
        require(waiting->delay > duration::zero(), "backoff_is_bounded", "does not wait");
    }
    waiting_until_ = line.not_before;
}

void invariants::give_up_is_final(const turn& what) {
    if (told<report_of::gave_up>(what)) given_up_ = true;
    if (has_begun_generation(what)) given_up_ = false;
    if (!given_up_) return;
    for_each<action::spawn>(what, [&](const auto& spawn) {
        throw broken_invariant("give_up_is_final", to_string(action_type(spawn)));
    });
}

void invariants::abort_keeps_service(const turn& what) {
    if (has_begun_generation(what)) aborted_.reset();
    auto* abort = told<report_of::upgrade_aborted>(what);
    if (abort && what.after.phase() == group_phase::running && !what.after.upgrade()) {
        aborted_ = abort->generation;
        for (const worker& who : dismissed_ready(what))
            require(who.generation == abort->generation ||
                        what.after.capacity() >= what.after.wishes().number, // resized meanwhile
                    "abort_keeps_service", describe(who));
    }
    if (!aborted_) return;
    for_each<action::spawn>(what, [&](const auto& spawn) {
        require(spawn.generation != *aborted_, "abort_keeps_service",
                to_string(action_type(spawn)));
    });
}

void invariants::done_means_all_old_were_told(const turn& what) const {
    auto* done = told<report_of::upgrade_done>(what);
    if (!done) return;
    for (const worker& who : what.after.workers())
        require(!who.active() || who.generation >= done->generation, "done_means_all_old_were_told",
                describe(who));
    require(what.after.capacity() >= what.after.wishes().number, "done_means_all_old_were_told",
            std::to_string(what.after.capacity()) + " are ready");
}

void invariants::no_signal_without_process(const turn& what) const {
    for_each<action::signal>(what, [&](const auto& signal) {
        require(signal.pid > 0 && signal.number > 0, "no_signal_without_process",
                to_string(action_type(signal)));
    });
}

} // namespace einhyrningsins::simulation
