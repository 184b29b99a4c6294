// SPDX-License-Identifier: GPL-3.0-or-later
//
// The decisions of the group: what is missing, what is too many, what is overdue.
#include "core/group.hpp"

#include <algorithm>
#include <cassert>
#include <tuple>
#include <utility>

namespace einhyrningsins::core {
namespace {

/// Spawns that the shell may owe an answer to at any time.
constexpr unsigned spawns_at_once = 16;

void keep_earliest(std::optional<time_point>& earliest, std::optional<time_point> other) {
    if (other && (!earliest || *other < *earliest)) earliest = other;
}

} // namespace

std::vector<action_type> group::reconcile(time_point now) {
    end_wait(now);
    settle_due_acks(now);
    kill_silent(now);
    send_firmer_signals(now);
    advance_upgrade(now);
    retire_surplus(now);
    refill(now);
    finish_stop(now);
    finish_life();
    request_spawns();
    return std::exchange(actions_, {});
}

void group::end_wait(time_point now) {
    if (state_.phase != group_phase::waiting || awaits_demand()) return;
    if (now >= state_.opened_at + state_.wishes.warmup) run(now);
}

void group::settle_due_acks(time_point now) {
    std::vector<worker_id> due;
    for (const worker& who : state_.workers)
        if (is_due(ack_deadline(who, state_.wishes.ack), now)) due.push_back(who.id);
    for (worker_id id : due) {
        worker* who = find_mutable(id);
        // The failure of one may have ended the upgrade that the next belonged to.
        if (!who || who->state != worker_state::starting) continue;
        if (comes_with_time(state_.wishes.ack))
            ack(*who, now);
        else
            miss_ack(*who, now);
    }
}

void group::kill_silent(time_point now) {
    if (state_.phase != group_phase::running) return;
    std::vector<worker_id> silent;
    for (const worker& who : state_.workers)
        if (is_due(live_deadline(who, state_.wishes), now)) silent.push_back(who.id);
    for (worker_id id : silent)
        miss_live_check(id, now);
}

void group::send_firmer_signals(time_point now) {
    for (worker& who : state_.workers) {
        if (who.active() || who.pid == 0 || !is_due(who.told.deadline(state_.wishes), now))
            continue;
        int signal = who.told.next_signal(state_.wishes);
        tell(report_of::escalated{who, signal, now - who.told.at});
        dismiss(who, signal, haste::hurried, now);
    }
}

/// Old workers go in the order of their age, those that do not serve yet before all others.
void group::retire_old(unsigned count, time_point now) {
    auto rank = [](const worker* who) {
        return std::tuple(who->state != worker_state::starting, who->generation, who->id);
    };
    for (worker_id id : choose(count, rank, [&](const worker& who) { return is_old(who); }))
        retire(id, now);
}

/// Of too many workers those that do not serve yet go first, then those of a generation that was
/// given up, then the highest index: what stays is numbered without gaps.
void group::retire_surplus(time_point now) {
    census count = take_census();
    if (count.fresh_active <= count.wanted) return;
    auto rank = [&](const worker* who) {
        return std::tuple(who->state != worker_state::starting,
                          who->generation == state_.current.generation, ~who->index);
    };
    unsigned surplus = count.fresh_active - count.wanted;
    for (worker_id id : choose(surplus, rank, [&](const worker& who) { return !is_old(who); }))
        retire(id, now);
}

template <class Rank, class Predicate>
std::vector<worker_id> group::choose(unsigned count, Rank rank, Predicate eligible) const {
    std::vector<const worker*> candidates;
    for (const worker& who : state_.workers)
        if (who.active() && eligible(who)) candidates.push_back(&who);
    std::ranges::sort(candidates, {}, rank);
    std::vector<worker_id> chosen;
    for (const worker* who : candidates) {
        if (chosen.size() == count) break;
        chosen.push_back(who->id);
    }
    return chosen;
}

void group::refill(time_point now) {
    if (state_.phase != group_phase::running) return;
    if (keeps_previous()) refill_previous(now);
    if (is_due(state_.current.not_before, now)) state_.current.not_before.reset();
    announce_waiting(state_.current, now);
    if (state_.current.not_before || waits_for_old()) return;
    census count = take_census();
    count.existing += missing_old(); // they wait for their back-off, and their room is kept free
    if (state_.upgrade && state_.upgrade->mode == upgrade_mode::fleet) {
        if (count.fresh_active < count.wanted)
            add(state_.current.generation, count.wanted - count.fresh_active, now);
        return;
    }
    unsigned allowed = spawns_allowed(count, state_.wishes, state_.upgrade.has_value());
    add(state_.current.generation, allowed, now);
    if (allowed == 0) announce_held(take_census());
}

void group::announce_waiting(lineage& line, time_point now) {
    if (!std::exchange(line.wait_untold, false) || !line.not_before) return;
    tell(report_of::backing_off{std::max(line.failures, line.scarcities), *line.not_before - now});
}

void group::finish_stop(time_point now) {
    if (state_.phase != group_phase::stopping || !state_.workers.empty()) return;
    state_.phase = group_phase::stopped;
    tell(report_of::stopped{});
    if (std::exchange(state_.start_again, false)) run(now);
}

/// Of a group whose workers have all ended for good.
void group::finish_life() {
    bool runs = state_.phase == group_phase::running && !state_.upgrade;
    if (!runs || !state_.workers.empty() || wanted(state_.current) > 0) return;
    state_.phase = group_phase::stopped;
    tell(report_of::ended{});
}

/// The shell may take its time to answer: while it owes enough answers it is not asked for more.
unsigned group::spawns_unanswered() const {
    return static_cast<unsigned>(std::ranges::count_if(
        state_.workers, [](const worker& who) { return who.spawn_requested && who.pid == 0; }));
}

void group::request_spawns() {
    unsigned unanswered = spawns_unanswered();
    for (worker& who : state_.workers) {
        if (unanswered >= spawns_at_once) return;
        if (who.spawn_requested) continue;
        who.spawn_requested = true;
        // Not before, so that what is found then is the newest, however long the old ones took.
        if (state_.upgrade && !is_old(who) && !std::exchange(state_.upgrade->spawned, true))
            actions_.push_back(action::begin_generation{who.generation});
        actions_.push_back(action::spawn{who.id, who.index, who.generation});
        ++unanswered;
    }
}

std::optional<time_point> group::next_deadline() const {
    if (!actions_.empty()) return time_point::min();
    std::optional<time_point> earliest;
    bool may_ask = spawns_unanswered() < spawns_at_once;
    bool runs = state_.phase == group_phase::running;
    for (const worker& who : state_.workers) {
        if (!who.spawn_requested && may_ask) return time_point::min();
        if (who.active())
            keep_earliest(earliest, ack_deadline(who, state_.wishes.ack));
        else if (who.pid != 0)
            keep_earliest(earliest, who.told.deadline(state_.wishes));
        if (runs) keep_earliest(earliest, live_deadline(who, state_.wishes));
    }
    if (state_.phase == group_phase::waiting && !awaits_demand())
        return state_.opened_at + state_.wishes.warmup;
    if (!runs) return earliest;
    keep_earliest(earliest, state_.current.not_before);
    if (keeps_previous()) keep_earliest(earliest, state_.upgrade->previous.not_before);
    if (state_.upgrade && state_.upgrade->again)
        keep_earliest(earliest, state_.upgrade->began_at + upgrade_overtakes_after);
    return earliest;
}

} // namespace einhyrningsins::core
