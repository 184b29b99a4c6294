// SPDX-License-Identifier: GPL-3.0-or-later
//
// The invariants of every step and every event. For decisions see decision_invariants.cpp.
#include "simulation/invariants.hpp"

#include "core/signal_name.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace einhyrningsins::simulation {
namespace {

std::string name(const record& who) {
    return "worker #" + std::to_string(static_cast<unsigned long>(who.id)) + " (pid " +
           std::to_string(who.pid) + ", index " + std::to_string(who.index) + ", generation " +
           std::to_string(who.generation) + ", " + core::to_string(who.state) + ")";
}

/// SPEC 7.3, less the tenth that chance may take. With --seconds 0 it is still no busy loop.
core::duration shortest_back_off(core::duration base, unsigned row) {
    using seconds = std::chrono::duration<double>;
    double wanted = std::max(0.01, seconds(base).count()) * std::pow(1.5, row - 1);
    return std::chrono::duration_cast<core::duration>(seconds(std::min(wanted, 30.0) * 0.8999));
}

/// By one legal move or several: one event may lead to more than one.
bool is_reachable(core::worker_state from, core::worker_state to) {
    using enum core::worker_state;
    if (core::is_legal_move(from, to)) return true;
    for (auto between : {spawning, cancelled, starting, ready, stopping_by_command})
        if (core::is_legal_move(from, between) && is_reachable(between, to)) return true;
    return false;
}

template <class... Event>
bool is_one_of(const core::event_type& what) {
    return (std::holds_alternative<Event>(what) || ...);
}

/// Whether `what` is news of a process or a spawn that the table does not know, or knows already.
bool is_stale(const core::event_type& what, const snapshot& at, const core::policy& wishes) {
    auto answered = [&](core::worker_id id) {
        const record* who = at.find(id);
        return !who || who->has_process();
    };
    if (auto* e = std::get_if<core::event::spawned>(&what)) return answered(e->id);
    if (auto* e = std::get_if<core::event::spawn_failed>(&what)) return answered(e->id);
    if (auto* e = std::get_if<core::event::exited>(&what)) return !at.find_process(e->id);
    if (is_one_of<core::event::pinged>(what)) return true;
    if (is_one_of<core::event::open>(what)) return at.phase != core::group_phase::stopped;
    if (is_one_of<core::event::demanded>(what)) return !at.awaits_demand;
    if (auto* e = std::get_if<core::event::touched>(&what)) return !at.find_process(e->id);
    auto* ack = std::get_if<core::event::acked>(&what);
    const record* who = ack ? at.find_process(ack->id) : nullptr;
    bool counts = who && who->starting() && !std::holds_alternative<core::ack_timer>(wishes.ack);
    return ack && !counts;
}

} // namespace

invariants::invariants(const core::group& group)
    : before_(take_snapshot(group)),
      after_(before_),
      wishes_(group.wishes()),
      number_(wishes_.number),
      live_check_(wishes_.live_check) {}

void invariants::applied(const core::group& group, const core::event_type& what,
                         core::time_point now) {
    advance(group, now);
    take_end(what);
    take_failure(what);
    take_rapid_death(what);
    take_orders(what);
    take_opening(what);
    take_signs(what);
    take_stall(what);
    take_signals(what);
    check_stale(what);
    check_ack(what);
    check_promised_upgrade();
    check_who_is_told(what);
    check_who_is_added(what);
    check_roll_back();
}

/// To the next step, with what holds in all of them.
void invariants::advance(const core::group& group, core::time_point now) {
    std::swap(before_, after_);
    after_ = take_snapshot(group);
    wishes_ = group.wishes();
    now_ = now;
    counting_ = before_.phase == core::group_phase::running;
    take_generation();
    bool begins = after_.previous && after_.current != before_.current;
    if (begins) kept_ = after_.capacity();
    highest_limit_ = begins ? upper_limit() : std::max(highest_limit_, upper_limit());
    // Whoever asks for workers after a group has given up does not want to wait.
    if (before_.phase == core::group_phase::given_up && after_.phase != before_.phase)
        for (auto& [number, its] : rows_)
            its.earliest = {};
    take_acks();
    take_tellings();
    check_table();
    check_moves();
    check_new_records();
    check_phase();
    check_end();
}

void invariants::take_acks() {
    for (const record& who : after_.table) {
        const record* was = before_.find(who.id);
        if (!who.ready() || !was || !was->starting()) continue;
        take_ack(who.generation);
        signs_[who.id] = now_;
        excused_.erase(who.id);
    }
}

void invariants::take_signs(const core::event_type& what) {
    auto* touch = std::get_if<core::event::touched>(&what);
    const record* who = touch ? after_.find_process(touch->id) : nullptr;
    if (who) signs_[who->id] = now_;
    if (who && who->ready()) excused_.erase(who->id);
    std::erase_if(signs_, [&](const auto& entry) { return !after_.find(entry.first); });
}

/// Time in which the master did not run does not count, as far as the worker was waited for in it;
/// nor does time before signs of life were asked for as they are now.
void invariants::take_stall(const core::event_type& what) {
    std::erase_if(excused_, [&](const auto& entry) { return !after_.find(entry.first); });
    auto* changed = std::get_if<core::event::reconfigure>(&what);
    if (changed && changed->policy.live_check != live_check_)
        for (const record& who : after_.table)
            if (who.ready()) excused_[who.id] = now_ - signs_.at(who.id);
    live_check_ = wishes_.live_check;
    auto* stall = std::get_if<core::event::stalled>(&what);
    if (!stall) return;
    for (const record& who : after_.table) {
        if (!who.has_process() || !who.active()) continue;
        auto begin = who.ready() ? signs_.at(who.id) : started_at_.at(who.id);
        excused_[who.id] = std::min(excused(who.id) + stall->length, now_ - begin);
    }
}

core::duration invariants::excused(core::worker_id which) const {
    auto known = excused_.find(which);
    return known == excused_.end() ? core::duration::zero() : known->second;
}

/// What events say by which signals workers are to go.
void invariants::take_signals(const core::event_type& what) {
    if (auto* resize = std::get_if<core::event::resize>(&what)) resize_signal_ = resize->signal;
    auto* ack = std::get_if<core::event::acked>(&what);
    if (ack && ack->signal && !is_stale(what, before_, wishes_)) ack_signal_ = ack->signal;
    auto* upgrade = std::get_if<core::event::upgrade>(&what);
    if (!after_.previous) next_signal_.reset();
    if (!upgrade || !after_.previous) return;
    bool begins = after_.current > before_.current;
    bool joins = begins || spawned_ < after_.current;
    auto& signal = joins ? upgrade_signals_[after_.current] : next_signal_;
    if (begins || upgrade->signal) signal = upgrade->signal; // who joins takes nothing away
}

/// A new generation owes all workers again; one that is given up leaves what was before.
void invariants::take_generation() {
    if (after_.current > before_.current) {
        upgrade_signals_[after_.current] = std::exchange(next_signal_, std::nullopt);
        if (after_.previous == before_.current) old_ended_ = ended_;
        ended_ = 0;
    } else if (after_.current < before_.current) {
        ended_ = old_ended_;
    }
}

bool invariants::ends_for_good(const record& who, const core::event_type& how) const {
    using enum core::restart_policy;
    bool on_trial = before_.previous && who.generation == before_.current && who.starting();
    if (!who.active() || on_trial || wishes_.restart == always) return false;
    if (auto* refused = std::get_if<core::event::spawn_failed>(&how))
        return wishes_.restart == never && !refused->scarce && !who.has_process();
    const core::exit_cause success{core::exit_cause::kind_type::exited, 0};
    return wishes_.restart == never || std::get<core::event::exited>(how).cause == success;
}

void invariants::take_end(const core::event_type& what) {
    auto* resize = std::get_if<core::event::resize>(&what);
    auto* changed = std::get_if<core::event::reconfigure>(&what);
    if (resize || (changed && changed->policy.number != number_)) ended_ = old_ended_ = 0;
    number_ = wishes_.number;
    const record* who = nullptr;
    if (auto* e = std::get_if<core::event::exited>(&what)) who = before_.find_process(e->id);
    if (auto* e = std::get_if<core::event::spawn_failed>(&what)) who = before_.find(e->id);
    if (!who || !ends_for_good(*who, what)) return;
    core::census there = count(before_);
    bool old = before_.is_old(*who);
    unsigned& ended = old ? old_ended_ : ended_;
    if ((old ? there.old_active : there.fresh_active) + ended <= wishes_.number) ++ended;
    // New workers have got the room of an old one that ended: no resize brings it back.
    if (old) kept_ = std::min(kept_, wishes_.number - std::min(old_ended_, wishes_.number));
}

void invariants::take_opening(const core::event_type& what) {
    using enum core::group_phase;
    if (is_one_of<core::event::open>(what) && before_.phase == stopped) {
        opened_at_ = now_;
        demanded_ = false;
    }
    demanded_ |= is_one_of<core::event::demanded>(what) && before_.awaits_demand;
}

void invariants::take_stop(const core::event::stop& what) {
    bool by_command = wishes_.stop_command && what.signal == wishes_.stop_signal && !what.as_such;
    if (!by_command) return commanded_.clear();
    if (before_.phase == after_.phase) return;
    for (const record& was : before_.table)
        if (was.active() && was.has_process()) commanded_.insert(was.id);
    bool any = std::ranges::any_of(
        before_.table, [](const record& was) { return was.active() && was.has_process(); });
    commands_ += any;
    owes_command_ |= any;
}

void invariants::take_ack(core::generation number) {
    acked_.insert(number);
    row& its = rows_[number];
    if (std::exchange(its.failures, 0) > 0 && crash_loop(number) == 0) its.earliest = {};
}

void invariants::take_tellings() {
    for (const record& who : told())
        tellings_[who.id] = {.at = now_};
    std::erase_if(tellings_, [&](const auto& entry) { return !after_.find(entry.first); });
}

void invariants::take_orders(const core::event_type& what) {
    if (auto* e = std::get_if<core::event::forward>(&what)) forwarded_.insert(e->signal);
    requests_ += is_one_of<core::event::upgrade>(what);
    if (is_one_of<core::event::upgrade>(what))
        owes_upgrade_ = before_.previous && spawned_ >= before_.current;
    if (is_one_of<core::event::stop_command_failed>(what)) commanded_.clear();
    if (!is_one_of<core::event::stop, core::event::restart>(what)) return;
    if (auto* stop = std::get_if<core::event::stop>(&what))
        take_stop(*stop);
    else
        take_stop({std::get<core::event::restart>(what).signal.value_or(wishes_.stop_signal)});
    owes_upgrade_ = false;
    // They may be told again, and their time begins anew.
    for (auto& [id, its] : tellings_)
        its = {.at = its.at, .hurried = its.hurried, .again = true};
}

/// Whoever asks for an upgrade during another gets one of his own.
void invariants::check_promised_upgrade() {
    if (after_.current > before_.current) owes_upgrade_ = false;
    if (owes_upgrade_ && !after_.previous)
        throw violation("requests_are_served", "the upgrade ended, and no other began");
}

std::vector<record> invariants::told() const {
    std::vector<record> result;
    for (const record& was : before_.table) {
        const record* is = after_.find(was.id);
        if (was.active() && is && !is->active()) result.push_back(was);
    }
    return result;
}

std::vector<record> invariants::added() const {
    std::vector<record> result;
    for (const record& who : after_.table)
        if (!before_.find(who.id)) result.push_back(who);
    return result;
}

// In every step

void invariants::check_table() const {
    const auto& table = after_.table;
    for (std::size_t i = 0; i < table.size(); ++i)
        for (std::size_t j = i + 1; j < table.size(); ++j)
            if (table[i].id >= table[j].id || table[i].index == table[j].index ||
                (table[i].pid != 0 && table[i].pid == table[j].pid))
                throw violation("records_are_distinct", name(table[i]) + ", " + name(table[j]));
}

void invariants::check_moves() const {
    for (const record& was : before_.table) {
        const record* is = after_.find(was.id);
        if (!is) continue;
        bool moved = was.state != is->state;
        if (moved && !is_reachable(was.state, is->state))
            throw violation("moves_are_legal", name(was) + " became " + name(*is));
        bool same = was.index == is->index && was.generation == is->generation &&
                    (was.pid == is->pid || was.pid == 0) && (is->pid != 0) == is->has_process();
        if (!same) throw violation("records_keep_their_names", name(was) + ", " + name(*is));
    }
}

void invariants::check_new_records() const {
    std::set<unsigned> taken;
    for (const record& who : after_.table)
        if (before_.find(who.id)) taken.insert(who.index);
    for (const record& who : added()) {
        unsigned free = 0;
        while (taken.contains(free))
            ++free;
        // Those of a restart are gone again before they are seen if a resize came between.
        if (who.index != free) throw violation("index_is_smallest_free", name(who));
        taken.insert(free);
        if (!who.starting()) throw violation("moves_are_legal", name(who) + " is new");
        bool proven = acked_.contains(after_.current);
        if (who.generation != after_.current && (proven || who.generation != after_.previous))
            throw violation("new_workers_run_what_they_should", name(who));
    }
}

void invariants::check_phase() const {
    using enum core::group_phase;
    bool wants_workers = after_.phase == running || after_.phase == given_up;
    auto active = std::ranges::find_if(after_.table, &record::active);
    if (!wants_workers && active != after_.table.end())
        throw violation("stop_tells_all", name(*active));
    if (after_.phase == waiting && !after_.table.empty())
        throw violation("waiting_starts_nothing", name(after_.table.front()));
    if (after_.phase == stopped && !after_.table.empty())
        throw violation("stop_tells_all", "stopped too early");
    if (after_.previous && after_.phase != running)
        throw violation("upgrades_end", "there is one, but the group does not run");
    if (after_.phase == given_up && before_.phase == given_up && !added().empty())
        throw violation("give_up_is_final", name(added().front()));
}

/// A group ends by itself when nothing is wanted any more.
void invariants::check_end() const {
    using enum core::group_phase;
    if (before_.phase != running || after_.phase != stopped) return;
    if (wanted() > 0 || !before_.table.empty())
        throw violation("only_the_ended_stop", std::to_string(wanted()) + " are wanted");
}

unsigned invariants::wanted() const { return wishes_.number - std::min(ended_, wishes_.number); }

unsigned invariants::failure_limit() const {
    if (wishes_.restart == core::restart_policy::never) return 1;
    return std::max(1U, wishes_.retries.value_or(5));
}

/// A group gives up, and an upgrade is aborted, after so many failures and not before.
void invariants::check_roll_back() const {
    auto failures = [&](core::generation number) {
        auto known = rows_.find(number);
        return known == rows_.end() ? 0 : known->second.failures;
    };
    bool gave_up = before_.phase != after_.phase && after_.phase == core::group_phase::given_up;
    if (gave_up && (!wishes_.retries || failures(after_.current) <= *wishes_.retries))
        throw violation("retries_are_granted", "gave up too early");
    bool is_put_off = after_.phase == core::group_phase::stopping;
    bool is_aborted = after_.current < before_.current && !is_put_off;
    if (is_aborted && failures(before_.current) < failure_limit())
        throw violation("retries_are_granted", "aborted too early");
}

// In an event

void invariants::check_stale(const core::event_type& what) const {
    if (is_stale(what, before_, wishes_) && before_ != after_)
        throw violation("stale_news_is_ignored", core::to_string(what));
}

void invariants::check_ack(const core::event_type& what) const {
    auto* ack = std::get_if<core::event::acked>(&what);
    if (ack && !is_stale(what, before_, wishes_) && !after_.find_process(ack->id)->ready())
        throw violation("acks_count", core::to_string(what));
}

/// Only a stop tells workers to go at once; but those without an ack lose their right to be there
/// when their generation is aborted or overtaken.
void invariants::check_who_is_told(const core::event_type& what) const {
    if (is_one_of<core::event::stop, core::event::restart>(what)) return;
    for (const record& who : told())
        if (who.ready() || who.generation != before_.current || after_.current == before_.current)
            throw violation("nothing_old_dies_first", core::to_string(what) + ": " + name(who));
}

/// Only a start adds workers at once, and the death of one that was ready.
void invariants::check_who_is_added(const core::event_type& what) const {
    auto newcomers = added();
    if (newcomers.empty() || is_one_of<core::event::start, core::event::restart>(what)) return;
    auto* exit = std::get_if<core::event::exited>(&what);
    const record* dead = exit ? before_.find_process(exit->id) : nullptr;
    if (dead && ends_for_good(*dead, what))
        throw violation("ended_stay_ended", name(newcomers.front()) + " takes its place");
    bool successor = dead && dead->generation == newcomers.front().generation;
    if (successor && dead->ready() && crash_loop(dead->generation) > 0)
        throw violation("crash_loops_are_slowed_down",
                        name(newcomers.front()) + " takes the place of " + name(*dead));
    if (!dead || !dead->ready() || newcomers.size() > 1)
        throw violation("backoff_is_bounded", core::to_string(what) + " adds workers");
}

void invariants::take_failure(const core::event_type& what) {
    const record* who = nullptr;
    auto* refused = std::get_if<core::event::spawn_failed>(&what);
    if (auto* e = std::get_if<core::event::exited>(&what)) who = before_.find_process(e->id);
    if (refused) who = before_.find(refused->id);
    if (auto* e = std::get_if<core::event::spawned>(&what))
        if (const record* born = before_.find(e->id); born && !born->has_process())
            rows_[born->generation].scarcities = 0;
    if (!who || !who->active()) return;
    last_trouble_ = now_;
    if (ends_for_good(*who, what)) return;
    if (who->starting() && !(refused && who->has_process()))
        take_failure(who->generation, refused && refused->scarce);
}

void invariants::take_failure(core::generation number, bool scarce) {
    last_trouble_ = now_;
    if (!counting_ || !before_.has_lineage(number)) return;
    row& its = rows_[number];
    unsigned length = scarce ? ++its.scarcities : ++its.failures;
    its.earliest = std::max(its.earliest, now_ + shortest_back_off(wishes_.seconds, length));
    if (scarce || number != before_.current || after_.current != number) return;
    bool upgrading = before_.previous.has_value();
    bool too_many = upgrading ? its.failures >= failure_limit()
                              : wishes_.retries && its.failures > *wishes_.retries;
    if (too_many && after_.phase == core::group_phase::running)
        throw violation("retries_are_bounded", std::to_string(its.failures) + " failures");
}

/// A ready worker that dies within a second of its start, by whatever cause, lengthens the row; one
/// that dies later ends it.
void invariants::take_rapid_death(const core::event_type& what) {
    if (auto* e = std::get_if<core::event::spawned>(&what))
        if (const record* born = after_.find(e->id)) started_at_.emplace(born->id, now_);
    auto* exit = std::get_if<core::event::exited>(&what);
    const record* who = exit ? before_.find_process(exit->id) : nullptr;
    if (!who) return;
    core::duration age = now_ - started_at_.at(who->id);
    started_at_.erase(who->id);
    bool counts = counting_ && who->ready() && before_.has_lineage(who->generation);
    if (!counts || ends_for_good(*who, what)) return;
    row& its = rows_[who->generation];
    its.rapid = age < std::chrono::seconds(1) ? its.rapid + 1 : 0;
    if (unsigned excess = crash_loop(who->generation))
        its.earliest = std::max(its.earliest, now_ + shortest_back_off(wishes_.seconds, excess));
}

/// By how many deaths the row of a generation is longer than is tolerated.
unsigned invariants::crash_loop(core::generation number) const {
    auto its = rows_.find(number);
    unsigned tolerated = 100 + 2 * wishes_.number;
    return its == rows_.end() || its->second.rapid <= tolerated ? 0 : its->second.rapid - tolerated;
}

} // namespace einhyrningsins::simulation
