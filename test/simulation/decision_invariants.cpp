// SPDX-License-Identifier: GPL-3.0-or-later
//
// The invariants of every decision, and of the time when there is nothing left to decide.
#include "simulation/invariants.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <functional>
#include <limits>
#include <utility>

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
    silent_.clear();
    for (const core::action_type& what : actions)
        std::visit([this](const auto& it) { check(it); }, what);
    check_answers();
    check_roll_back();
    check_promised_upgrade();
    if (owes_command_) throw violation("stop_command_once", "it is not run");
    check_beginning();
    check_silent();
    check_signals();
    ack_signal_ = resize_signal_ = std::nullopt;
    if (has_restarted()) return; // a new beginning, with all workers at once
    check_capacity();
    check_old_ones();
    check_fleet();
    check_surplus();
    check_back_off();
}

bool invariants::has_restarted() const {
    using enum core::group_phase;
    return (before_.phase == stopping || before_.phase == waiting) && after_.phase == running;
}

bool invariants::stops_first() const { return std::holds_alternative<core::ack_none>(wishes_.ack); }

bool invariants::is_begun() const {
    return now_ >= opened_at_ + wishes_.warmup && (demanded_ || !wishes_.on_demand);
}

void invariants::check_beginning() const {
    using enum core::group_phase;
    if (before_.phase == waiting && after_.phase == running && !is_begun())
        throw violation("warmup_is_kept", "the group starts too early");
}

/// Who is silent is killed, and another takes its place.
void invariants::check_silent() const {
    for (core::worker_id which : silent_)
        if (!sent_.contains({which, SIGKILL}))
            throw violation("silent_are_replaced", id(which) + " is not killed");
    bool steady = !before_.previous && !after_.previous && before_.current == after_.current &&
                  after_.phase == core::group_phase::running;
    if (silent_.empty() || !steady || now_ == last_trouble_) return;
    unsigned least = std::min(count(before_).fresh_active, wanted());
    if (count(after_).fresh_active < least)
        throw violation("silent_are_replaced", "none takes the place of " + id(silent_.front()));
}

/// Who is told to go by a decision is told by the signal of the event that made him superfluous.
void invariants::check_signals() const {
    auto of_upgrade = [&](core::generation number) {
        auto its = upgrade_signals_.find(number);
        return its == upgrade_signals_.end() ? std::nullopt : its->second;
    };
    auto is_sent = [&](core::worker_id which, std::optional<int> signal) {
        return sent_.contains({which, signal.value_or(wishes_.stop_signal)});
    };
    bool aborted = after_.current < before_.current;
    bool overtaken = after_.current > before_.current;
    for (const record& who : told()) {
        if (!who.has_process() || tellings_.at(who.id).hurried) continue;
        bool was_newest = who.generation == before_.current;
        bool too_many =
            aborted || (was_newest && !overtaken) || !(before_.previous || after_.previous);
        bool right = was_newest && who.starting() && overtaken
                         ? is_sent(who.id, of_upgrade(after_.current))
                     : was_newest && who.starting() && aborted ? is_sent(who.id, std::nullopt)
                     : too_many                                ? is_sent(who.id, resize_signal_)
                     : ack_signal_                             ? is_sent(who.id, ack_signal_)
                                   : is_sent(who.id, of_upgrade(after_.current)) ||
                                         is_sent(who.id, of_upgrade(before_.current));
        if (!right) throw violation("the_event_says_by_which_signal", id(who.id));
    }
}

/// With ack none the last old worker goes before the first new one is started.
void invariants::check_none(const core::action::spawn& what) const {
    if (!after_.previous || !stops_first()) return;
    for (const record& who : after_.table)
        if (who.generation != after_.current)
            throw violation("none_stops_before_it_starts",
                            id(what.id) + " while " + id(who.id) + " lives");
}

void invariants::check(const core::action::run_stop_command&) {
    owes_command_ = false;
    if (commands_-- == 0) throw violation("stop_command_once", "it is run again");
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
    if (!who || !who->requested() || (was && was->requested()) || who->index != what.index ||
        who->generation != what.generation)
        throw violation("spawns_are_wished_for_once", id(what.id));
    if (what.generation > begun_)
        throw violation("generation_grows", id(what.id) + " is too early");
    check_none(what);
}

void invariants::check(const core::action::signal& what) {
    const record* who = after_.find(what.id);
    if (!who || !who->has_process())
        throw violation("no_unknown_process", "a signal to " + id(what.id));
    if (commanded_.contains(what.id) && !forwarded_.contains(what.number))
        throw violation("stop_command_once", id(what.id) + " is sent a signal as well");
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
    core::worker_id which = what.worker.id;
    tellings_[which].hurried = true;
    take_failure(what.worker.generation, false);
    auto* manual = std::get_if<core::ack_manual>(&wishes_.ack);
    auto timeout = manual ? manual->timeout : std::get<core::ack_notify>(wishes_.ack).timeout;
    if (now_ - started_at_.at(which) < timeout + excused(which))
        throw violation("acks_have_their_time", id(which));
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
    commanded_.erase(what.worker.id);
}

void invariants::check_report(const core::report_of::live_check_missed& what) {
    silent_.push_back(what.worker.id);
    tellings_[what.worker.id].hurried = true;
    const record* was = before_.find(what.worker.id);
    bool silent = wishes_.live_check > core::duration::zero() &&
                  now_ - signs_.at(what.worker.id) >= wishes_.live_check + excused(what.worker.id);
    if (!silent || !was || !was->active())
        throw violation("silent_are_replaced", id(what.worker.id) + " is killed too early");
}

/// Whoever asks for an upgrade is answered at once, and unless he is refused there is an upgrade
/// whose end he can wait for.
void invariants::check_answers() {
    if (answers_ != requests_)
        throw violation("every_upgrade_request_is_answered",
                        std::to_string(requests_) + " requests, " + std::to_string(answers_) +
                            " answers");
    answers_ = requests_ = 0;
    bool waits = put_off_ && after_.phase == core::group_phase::stopping;
    if (awaited_ != (waits || after_.previous.has_value()))
        throw violation("an_upgrade_has_one_outcome",
                        awaited_ ? "none, and there is no upgrade" : "told before its end");
}

void invariants::check_report(const core::report_of::upgrade_refused&) {
    ++answers_;
    if (awaited_) throw violation("an_upgrade_has_one_outcome", "refused during an upgrade");
}

void invariants::check_report(const core::report_of::upgrade_joined& what) {
    ++answers_;
    if (!awaited_ || what.next != overtaken_)
        throw violation("every_upgrade_request_is_answered", "joins what is not there");
}

void invariants::check_report(const core::report_of::upgrade_overtaken&) {
    ++answers_;
    if (!awaited_ || std::exchange(overtaken_, true))
        throw violation("every_upgrade_request_is_answered", "overtakes what is not there");
}

/// The answer, or what a restart has done to the upgrade under way and another that was promised.
void invariants::check_report(const core::report_of::upgrade_put_off&) {
    bool is_answer = put_off_ || !awaited_;
    answers_ += is_answer;
    awaited_ = put_off_ = true;
    overtaken_ = false;
}

void invariants::check_report(const core::report_of::upgrade_began&) {
    bool as_promised = std::exchange(overtaken_, false) || std::exchange(put_off_, false);
    if (!std::exchange(awaited_, true))
        ++answers_;
    else if (!as_promised)
        throw violation("an_upgrade_has_one_outcome", "another begins before it");
}

void invariants::take_outcome(const char* what) {
    if (!std::exchange(awaited_, false)) throw violation("an_upgrade_has_one_outcome", what);
    overtaken_ = put_off_ = false;
}

void invariants::check_report(const core::report_of::upgrade_done& what) {
    if (overtaken_) throw violation("requests_are_served", "done, and no other began");
    take_outcome("done twice");
    auto is_left = [&](const record& who) {
        return who.active() && who.generation < what.generation;
    };
    if (std::ranges::any_of(after_.table, is_left))
        throw violation("upgrade_done_means_all_old_told", "one was not");
    if (after_.capacity() < wanted())
        throw violation("upgrade_done_means_all_old_told", "the new ones are too few");
}

void invariants::check_report(const core::report_of::upgrade_aborted& what) {
    take_outcome("aborted twice");
    if (!what.serving) return; // the whole group stops
    auto is_left = [&](const record& who) {
        return who.starting() && who.generation == what.generation;
    };
    if (after_.current == what.generation || std::ranges::any_of(after_.table, is_left))
        throw violation("abort_keeps_service", "the failed generation goes on");
}

/// Whatever the group does by itself while it runs, one that serves is told to go only if as many
/// as are wanted are left. Only what is silent, or has to go before another can start, goes at
/// once.
void invariants::check_capacity() const {
    if (stops_first() && (before_.previous || after_.previous)) return;
    bool one_that_served = std::ranges::any_of(
        told(), [&](const record& who) { return who.ready() && !tellings_.at(who.id).hurried; });
    // When one upgrade is done and the next begins, what ended in the first is still not wanted.
    bool next = after_.previous == before_.current;
    unsigned least = wishes_.number - std::min(wishes_.number, next ? old_ended_ : ended_);
    if (one_that_served && after_.capacity() < least)
        throw violation("capacity_never_dips", std::to_string(after_.capacity()) + " are left of " +
                                                   std::to_string(before_.capacity()));
}

void invariants::check_old_ones() const {
    bool aborted = after_.current < before_.current;
    if (aborted || stops_first() || !(before_.previous || after_.previous)) return;
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
    if (!goes_on || stops_first()) return;
    for (const record& who : told())
        if (after_.is_old(who) && !tellings_.at(who.id).hurried)
            throw violation("fleet_goes_together", id(who.id));
}

/// What is started by a decision keeps to the limits. What replaces a dead worker or begins a life
/// of the group is started by an event, and is no surplus; nor is what replaces a silent one.
void invariants::check_surplus() const {
    auto newcomers = added();
    if (newcomers.empty()) return;
    core::census have = count(after_);
    auto replacements = static_cast<unsigned>(silent_.size());
    bool any_fresh = std::ranges::count_if(newcomers, [&](const record& who) {
                         return !after_.is_old(who);
                     }) > replacements;
    bool paced = after_.mode != core::upgrade_mode::fleet;
    if (any_fresh && paced && have.fresh_unacked > wishes_.max_unacked + replacements)
        throw violation("surplus_is_bounded", std::to_string(have.fresh_unacked) + " are unacked");
    if (any_fresh && have.fresh_active > wanted())
        throw violation("ended_stay_ended", std::to_string(have.fresh_active) + " are there");
    if (any_fresh && have.fresh_active > wishes_.number)
        throw violation("surplus_is_bounded", "more than are wanted");
    if (any_fresh && have.existing - std::min(have.existing, replacements) > upper_limit())
        throw violation("surplus_is_bounded", std::to_string(have.existing) + " exist");
    bool any_old = std::ranges::any_of(newcomers, [&](auto& who) { return after_.is_old(who); });
    if (any_old && have.old_active > wanted_old_ones())
        throw violation("ended_stay_ended", std::to_string(have.old_active) + " old ones");
    // An old one may take the place of a dead one, whoever lingers and though less are wanted now.
    unsigned active = have.fresh_active + have.old_active;
    if (active > highest_limit_) throw violation("surplus_is_bounded", "too many are active");
}

/// Of workers, in a rolling upgrade. Old ones that a resize made superfluous may stay until a new
/// one has acked.
unsigned invariants::upper_limit() const {
    bool limited = after_.mode == core::upgrade_mode::rolling && wishes_.max_upgrade_additional;
    if (!limited) return std::numeric_limits<unsigned>::max();
    return std::max(wishes_.number, count(after_).old_active) + *wishes_.max_upgrade_additional;
}

unsigned invariants::wanted_old_ones() const {
    if (!after_.previous || acked_.contains(after_.current) || stops_first()) return 0;
    return std::min(kept_, wishes_.number - std::min(old_ended_, wishes_.number));
}

/// Until a new generation has shown that it can serve, the old one keeps the service up.
unsigned invariants::missing_old_ones() const {
    unsigned least = wanted_old_ones();
    unsigned there = count(after_).old_active;
    return least > there ? least - there : 0;
}

void invariants::check_back_off() const {
    std::size_t at_once = silent_.size();
    for (const record& who : added()) {
        auto its = rows_.find(who.generation);
        if (who.generation == after_.current && at_once > 0)
            --at_once;
        else if (its != rows_.end() && now_ < its->second.earliest)
            throw violation("backoff_is_bounded", id(who.id) + " comes too early");
    }
}

// When all is decided

void invariants::settled(core::time_point now) const {
    if (now != now_) throw violation("settled", "called at another time than the last decision");
    check_deadline();
    check_waiting();
    if (after_.phase != core::group_phase::running) return;
    auto is_awaited = [](const record& who) { return !who.has_process(); };
    if (std::ranges::any_of(after_.table, is_awaited)) return; // the answer decides
    check_missing_new_ones();
    check_missing_old_ones();
    check_signs();
    check_unacked();
    check_sleep();
}

/// A group that waits for a client alone does not wake the shell.
void invariants::check_waiting() const {
    bool waits = after_.phase == core::group_phase::waiting;
    bool for_client = waits && wishes_.on_demand && !demanded_;
    if (waits && is_begun()) throw violation("warmup_is_kept", "it is over, and nothing starts");
    if (after_.awaits_demand != for_client)
        throw violation("warmup_is_kept", "the first client is expected wrongly");
    auto end = std::optional(opened_at_ + wishes_.warmup);
    if (waits && after_.deadline != (for_client ? std::nullopt : end))
        throw violation("warmup_is_kept", "another deadline");
}

void invariants::check_signs() const {
    if (wishes_.live_check == core::duration::zero()) return;
    for (const record& who : after_.table)
        if (who.ready() && now_ - signs_.at(who.id) >= wishes_.live_check + excused(who.id))
            throw violation("silent_are_replaced", id(who.id) + " goes on");
}

/// Nor does one that has not acked in time.
void invariants::check_unacked() const {
    if (core::comes_with_time(wishes_.ack)) return;
    auto* manual = std::get_if<core::ack_manual>(&wishes_.ack);
    auto timeout = manual ? manual->timeout : std::get<core::ack_notify>(wishes_.ack).timeout;
    if (timeout == core::duration::zero()) return;
    for (const record& who : after_.table)
        if (who.starting() && now_ - started_at_.at(who.id) >= timeout + excused(who.id))
            throw violation("acks_have_their_time", id(who.id) + " goes on");
}

/// Where all is as wanted the shell is woken for the next sign of life alone.
void invariants::check_sleep() const {
    auto its = rows_.find(after_.current);
    bool calm = its == rows_.end() || (its->second.failures == 0 && its->second.scarcities == 0);
    bool steady = std::ranges::all_of(after_.table, &record::ready);
    if (!calm || !steady || after_.previous || now_ < last_trouble_ + longest_back_off) return;
    std::optional<core::time_point> next;
    if (wishes_.live_check > core::duration::zero())
        for (const record& who : after_.table)
            next = std::min(next.value_or(core::time_point::max()),
                            signs_.at(who.id) + wishes_.live_check + excused(who.id));
    if (after_.deadline != next) throw violation("sleep_is_not_disturbed", "another deadline");
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
    if (wanted() == 0 && after_.table.empty() && !after_.previous)
        throw violation("nothing_is_forgotten", "all have ended, but the group goes on");
    if (have.fresh_active >= wanted() || will_try_again()) return;
    bool in_the_way = stops_first() && after_.previous && have.fresh_active < have.existing;
    if (in_the_way) return;
    bool paced = after_.mode != core::upgrade_mode::fleet;
    if (paced && have.fresh_unacked >= wishes_.max_unacked) return;
    bool one_will_go =
        have.fresh_unacked > 0 || std::ranges::any_of(after_.table, std::not_fn(&record::active));
    bool has_room = have.existing + missing_old_ones() < upper_limit();
    if (!has_room && one_will_go) return;
    throw violation("nothing_is_forgotten", std::to_string(have.fresh_active) + " of " +
                                                std::to_string(wanted()) +
                                                " workers, and no more will come");
}

void invariants::check_missing_old_ones() const {
    if (missing_old_ones() > 0 && !will_try_again())
        throw violation("abort_keeps_service", "the old generation is not refilled");
}

} // namespace einhyrningsins::simulation
