// SPDX-License-Identifier: GPL-3.0-or-later
//
// What must hold of every decision, and when there is nothing left to decide.
#include "simulation/invariants.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <functional>
#include <limits>

namespace einhyrningsins::simulation {
namespace {

using namespace std::chrono_literals;

/// The longest back-off of SPEC 7.3, with the tenth that chance may add.
constexpr core::duration longest_back_off = 33s;

std::string id(core::worker_id which) {
    return "worker #" + std::to_string(static_cast<unsigned long>(which));
}

} // namespace

void invariants::reconciled(const core::group& group, const std::vector<core::action_type>& actions,
                            core::time_point now) {
    advance(group, now);
    sent_.clear();
    for (const core::action_type& what : actions)
        std::visit([this](const auto& it) { check(it); }, what);
    check_roll_back();
    check_promised_upgrade();
    if (has_restarted()) return; // a new beginning, with all workers at once
    check_capacity();
    check_old_ones();
    check_fleet();
    check_surplus();
    check_back_off();
}

bool invariants::has_restarted() const {
    return before_.phase == core::group_phase::stopping &&
           after_.phase == core::group_phase::running;
}

void invariants::check(const core::action::begin_generation& what) {
    // An upgrade may end before it has begun to start workers: its number is left out.
    if (what.number <= begun_)
        throw violation("generation_grows", "to " + std::to_string(what.number));
    begun_ = what.number;
}

void invariants::check(const core::action::spawn& what) {
    spawned_ = std::max(spawned_, what.generation);
    if (after_.phase != core::group_phase::running)
        throw violation("give_up_is_final", id(what.id) + " is spawned");
    const record* was = before_.find(what.id);
    const record* who = after_.find(what.id);
    if (!who || !who->requested || (was && was->requested) || who->index != what.index ||
        who->generation != what.generation)
        throw violation("spawns_are_wished_for_once", id(what.id));
    if (what.generation > begun_)
        throw violation("generation_grows", id(what.id) + " is too early");
}

void invariants::check(const core::action::signal& what) {
    const record* who = after_.find(what.id);
    if (!who || who->pid != what.pid || what.pid == 0)
        throw violation("no_unknown_process", "a signal to " + id(what.id));
    bool is_first = sent_.emplace(what.id, what.number).second;
    if (!is_first && !forwarded_.contains(what.number))
        throw violation("patience_is_kept", id(what.id) + " is sent a signal twice");
}

void invariants::check(const core::action::tell& what) {
    std::visit([this](const auto& it) { check_report(it); }, what.what);
}

/// It may have been told to go in the same step.
void invariants::check_report(const core::report_of::worker_acked& what) {
    const record* was = before_.find(what.worker.id);
    if (was && was->starting()) take_ack(what.worker.generation);
}

void invariants::check_report(const core::report_of::ack_overdue& what) {
    tellings_[what.worker.id].hurried = true;
    take_failure(what.worker.generation, false);
}

/// Failures that follow in the same step do not count any more.
void invariants::check_report(const core::report_of::gave_up&) { counting_ = false; }

/// Twice at most, and not before its time (SPEC 3, --signal-timeout).
void invariants::check_report(const core::report_of::escalated& what) {
    telling& its = tellings_[what.worker.id];
    bool patient = !its.hurried && its.escalations == 0;
    core::duration least = patient ? wishes_.signal_timeout : core::grace_before_kill;
    if (its.again) least = std::min(wishes_.signal_timeout, core::grace_before_kill);
    bool insists = wishes_.signal_timeout != core::duration::zero() || !patient || its.again;
    if (++its.escalations > 2 || now_ - its.at < least || !insists)
        throw violation("patience_is_kept", id(what.worker.id));
    if (wishes_.kill_at_timeout && what.signal != SIGKILL)
        throw violation("patience_is_kept", id(what.worker.id) + " is spared");
    its.at = now_;
}

void invariants::check_report(const core::report_of::upgrade_done& what) const {
    auto is_left = [&](const record& who) {
        return who.active() && who.generation < what.generation;
    };
    if (std::ranges::any_of(after_.table, is_left))
        throw violation("upgrade_done_means_all_old_told", "one was not");
    if (after_.capacity() < wishes_.number)
        throw violation("upgrade_done_means_all_old_told", "the new ones are too few");
}

void invariants::check_report(const core::report_of::upgrade_aborted& what) const {
    if (!what.serving) return; // the whole group stops
    auto is_left = [&](const record& who) {
        return who.starting() && who.generation == what.generation;
    };
    if (after_.current == what.generation || std::ranges::any_of(after_.table, is_left))
        throw violation("abort_keeps_service", "the failed generation goes on");
}

/// Whatever the group does by itself while it runs, one that serves is told to go only if as many
/// as are wanted are left.
void invariants::check_capacity() const {
    bool one_that_served = std::ranges::any_of(told(), &record::ready);
    if (one_that_served && after_.capacity() < wishes_.number)
        throw violation("capacity_never_dips", std::to_string(after_.capacity()) + " are left of " +
                                                   std::to_string(before_.capacity()));
}

void invariants::check_old_ones() const {
    bool aborted = after_.current < before_.current;
    if (aborted || !(before_.previous || after_.previous)) return;
    for (const record& who : told()) {
        if (who.generation >= after_.current || tellings_.at(who.id).hurried) continue;
        bool overtaken = who.starting() && who.generation == before_.current;
        bool replaced = acked_.contains(after_.current) ||
                        (who.generation < before_.current && acked_.contains(before_.current));
        if (!overtaken && !replaced) throw violation("nothing_old_dies_first", id(who.id));
    }
}

/// Old ones go when all new ones have acked.
void invariants::check_fleet() const {
    bool goes_on = before_.mode == core::upgrade_mode::fleet && after_.previous &&
                   after_.current == before_.current;
    if (!goes_on) return;
    for (const record& who : told())
        if (after_.is_old(who) && !tellings_.at(who.id).hurried)
            throw violation("fleet_goes_together", id(who.id));
}

/// What is started by a decision keeps to the limits. What replaces a dead worker or begins a life
/// of the group is started by an event, and is no surplus.
void invariants::check_surplus() const {
    auto newcomers = added();
    if (newcomers.empty()) return;
    core::census have = count(after_);
    bool any_fresh =
        std::ranges::any_of(newcomers, [&](const record& who) { return !after_.is_old(who); });
    bool paced = after_.mode != core::upgrade_mode::fleet;
    if (any_fresh && paced && have.fresh_unacked > wishes_.max_unacked)
        throw violation("surplus_is_bounded", std::to_string(have.fresh_unacked) + " are unacked");
    if (any_fresh && have.fresh_active > wishes_.number)
        throw violation("surplus_is_bounded", "more than are wanted");
    if (any_fresh && have.existing > upper_limit())
        throw violation("surplus_is_bounded", std::to_string(have.existing) + " exist");
    // An old one may take the place of a dead one, whoever lingers and though less are wanted now.
    if (have.fresh_active + have.old_active > highest_limit_)
        throw violation("surplus_is_bounded", "too many are active");
}

/// Of workers, in a rolling upgrade. Old ones that a resize made superfluous may stay until a new
/// one has acked.
unsigned invariants::upper_limit() const {
    bool limited = after_.mode == core::upgrade_mode::rolling && wishes_.max_upgrade_additional;
    if (!limited) return std::numeric_limits<unsigned>::max();
    return std::max(wishes_.number, count(after_).old_active) + *wishes_.max_upgrade_additional;
}

/// Until a new generation has shown that it can serve, the old one keeps the service up.
unsigned invariants::missing_old_ones() const {
    if (!after_.previous || acked_.contains(after_.current)) return 0;
    unsigned wanted = std::min(kept_, wishes_.number);
    unsigned there = count(after_).old_active;
    return wanted > there ? wanted - there : 0;
}

void invariants::check_back_off() const {
    for (const record& who : added()) {
        auto its = rows_.find(who.generation);
        if (its != rows_.end() && now_ < its->second.earliest)
            throw violation("backoff_is_bounded", id(who.id) + " comes too early");
    }
}

// When all is decided

void invariants::settled(core::time_point now) const {
    if (now != now_) throw violation("settled", "called at another time than the last decision");
    check_deadline();
    if (after_.phase != core::group_phase::running) return;
    auto is_awaited = [](const record& who) { return who.pid == 0; };
    if (std::ranges::any_of(after_.table, is_awaited)) return; // the answer decides
    check_missing_new_ones();
    check_missing_old_ones();
}

/// The shell would not sleep.
void invariants::check_deadline() const {
    bool more_wanted = !std::ranges::all_of(after_.table, &record::requested);
    if (after_.deadline && *after_.deadline <= now_ && !more_wanted)
        throw violation("deadlines_are_ahead", "nothing is wanted, but the deadline is over");
}

bool invariants::will_try_again() const {
    return after_.deadline && *after_.deadline <= last_trouble_ + longest_back_off;
}

/// A worker that is missing is on its way, or waited for, or its turn comes when another has acked
/// or gone.
void invariants::check_missing_new_ones() const {
    core::census have = count(after_);
    if (have.fresh_active >= wishes_.number || will_try_again()) return;
    bool paced = after_.mode != core::upgrade_mode::fleet;
    if (paced && have.fresh_unacked >= wishes_.max_unacked) return;
    bool one_will_go =
        have.fresh_unacked > 0 || std::ranges::any_of(after_.table, std::not_fn(&record::active));
    bool has_room = have.existing + missing_old_ones() < upper_limit();
    if (!has_room && one_will_go) return;
    throw violation("nothing_is_forgotten", std::to_string(have.fresh_active) + " of " +
                                                std::to_string(wishes_.number) +
                                                " workers, and no more will come");
}

void invariants::check_missing_old_ones() const {
    if (missing_old_ones() > 0 && !will_try_again())
        throw violation("abort_keeps_service", "the old generation is not refilled");
}

} // namespace einhyrningsins::simulation
