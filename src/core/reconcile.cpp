// SPDX-License-Identifier: GPL-3.0-or-later
//
// The decisions of the group: what is missing, what is too many, what is overdue.
#include "core/group.hpp"

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

/// What reconcile() does in each turn, and when there will be something to do for it although no
/// event has come; no `due`: never.
struct group::step {
    void (group::*take)(time_point now);
    std::optional<time_point> (group::*due)() const;
};

const group::step group::steps[] = {
    {&group::end_wait, &group::wait_ends},
    {&group::finish_stop, nullptr},
    {&group::settle_acks, &group::earliest<&group::ack_due>},
    {&group::kill_silent, &group::earliest<&group::sign_due>},
    {&group::send_firmer_signals, &group::earliest<&group::firmer_signal_due>},
    {&group::advance_upgrade, &group::overtaking_due},
    {&group::retire_surplus, nullptr},
    {&group::refill, &group::back_off_ends},
    {&group::finish_life, nullptr},
    {&group::request_spawns, &group::request_due},
};

std::vector<action_type> group::reconcile(time_point now) {
    for (const step& each : steps)
        (this->*each.take)(now);
    ack_signal_ = resize_signal_ = std::nullopt;
    return out_.take();
}

std::optional<time_point> group::next_deadline() const {
    if (!out_.empty()) return time_point::min();
    std::optional<time_point> next;
    for (const step& each : steps)
        if (each.due) keep_earliest(next, (this->*each.due)());
    return next;
}

template <group::due_of_worker Due>
std::optional<time_point> group::earliest() const {
    std::optional<time_point> next;
    for (const worker& worker : table_)
        keep_earliest(next, (this->*Due)(worker));
    return next;
}

template <group::due_of_worker Due>
std::vector<worker_id> group::overdue(time_point now) const {
    std::vector<worker_id> found;
    for (const worker& worker : table_)
        if (is_due((this->*Due)(worker), now)) found.push_back(worker.id);
    return found;
}

void group::end_wait(time_point now) {
    if (is_due(wait_ends(), now)) run(now);
}

std::optional<time_point> group::wait_ends() const {
    if (state_.phase != group_phase::waiting || awaits_demand()) return std::nullopt;
    return state_.opened_at + state_.wishes.warmup;
}

void group::settle_acks(time_point now) {
    for (worker_id id : overdue<&group::ack_due>(now)) {
        worker* starting = table_.find(id);
        // The failure of one may have ended the upgrade that the next belonged to.
        if (!starting || starting->state != worker_state::starting) continue;
        if (comes_with_time(state_.wishes.ack))
            ack(*starting, now);
        else
            miss_ack(*starting, now);
    }
}

std::optional<time_point> group::ack_due(const worker& worker) const {
    return ack_deadline(worker, state_.wishes.ack);
}

void group::kill_silent(time_point now) {
    for (worker_id id : overdue<&group::sign_due>(now))
        miss_sign(*table_.find(id), now);
}

std::optional<time_point> group::sign_due(const worker& worker) const {
    if (state_.phase != group_phase::running) return std::nullopt;
    return live_deadline(worker, state_.wishes);
}

void group::send_firmer_signals(time_point now) {
    for (worker_id id : overdue<&group::firmer_signal_due>(now)) {
        worker& lingering = *table_.find(id);
        int signal = lingering.told.next_signal(state_.wishes);
        out_.tell(report_of::escalated{lingering, signal, now - lingering.told.at});
        dismiss(lingering, signal, haste::hurried, now);
    }
}

std::optional<time_point> group::firmer_signal_due(const worker& worker) const {
    return stop_deadline(worker, state_.wishes);
}

/// Of too many workers those that do not serve yet go first, then those of a generation that was
/// given up, then the highest index: what stays is numbered without gaps.
void group::retire_surplus(time_point now) {
    census count = take_census();
    if (count.fresh_active <= count.wanted) return;
    auto rank = [&](const worker& worker) {
        return std::tuple(worker.is_ready(), worker.generation == state_.current.generation,
                          ~worker.index);
    };
    auto is_fresh = [&](const worker& worker) { return !is_old(worker); };
    int signal = resize_signal_.value_or(state_.wishes.stop_signal);
    for (worker_id id : table_.choose(count.fresh_active - count.wanted, rank, is_fresh))
        retire(id, signal, now);
}

void group::refill(time_point now) {
    if (state_.phase != group_phase::running) return;
    if (keeps_previous()) refill_previous(now);
    bool waiting = state_.current.is_waiting(now);
    announce_back_off(state_.current, now);
    if (waiting || waits_for_old()) return;
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

std::optional<time_point> group::back_off_ends() const {
    if (state_.phase != group_phase::running) return std::nullopt;
    std::optional<time_point> next = state_.current.not_before;
    if (keeps_previous()) keep_earliest(next, state_.upgrade->previous.not_before);
    return next;
}

void group::finish_stop(time_point now) {
    if (state_.phase != group_phase::stopping || !table_.empty()) return;
    state_.phase = group_phase::stopped;
    out_.tell(report_of::stopped{});
    if (std::exchange(state_.start_again, false)) run(now);
}

/// Of a group whose workers have all ended for good.
void group::finish_life(time_point) {
    bool runs = state_.phase == group_phase::running && !state_.upgrade;
    if (!runs || !table_.empty() || wanted() > 0) return;
    state_.phase = group_phase::stopped;
    out_.tell(report_of::ended{});
}

/// The shell may take its time to answer: while it owes enough answers it is not asked for more.
void group::request_spawns(time_point) {
    unsigned unanswered = table_.unanswered();
    for (worker& worker : table_) {
        if (unanswered >= spawns_at_once) return;
        if (worker.state != worker_state::wanted) continue;
        // Not before, so that what is found then is the newest, however long the old ones took.
        if (state_.upgrade && !is_old(worker) && !state_.upgrade->spawned) {
            out_.push(action::begin_generation{worker.generation});
            state_.upgrade->spawned = true;
        }
        out_.push(action::spawn{worker.id, worker.index, worker.generation});
        worker.move_to(worker_state::spawning); // only now: there may be no memory for the action
        ++unanswered;
    }
}

std::optional<time_point> group::request_due() const {
    bool any = std::ranges::find(table_, worker_state::wanted, &worker::state) != table_.end();
    if (!any || table_.unanswered() >= spawns_at_once) return std::nullopt;
    return time_point::min();
}

} // namespace einhyrningsins::core
