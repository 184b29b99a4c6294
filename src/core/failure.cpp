// SPDX-License-Identifier: GPL-3.0-or-later
//
// What acks, deaths and missed deadlines lead to.
#include "core/group.hpp"

#include <utility>

namespace einhyrningsins::core {

void group::ack(worker& worker, time_point now) {
    worker.move_to(worker_state::ready);
    worker.acked_at = now;
    out_.tell(report_of::worker_acked{worker, now - worker.since});
    if (lineage* line = lineage_of(worker.generation)) line->prove(state_.wishes);
    if (!state_.upgrade || is_old(worker)) return;
    state_.upgrade->failures.clear();
    out_.tell(report_of::upgrade_advanced{
        worker.generation, take_census().fresh_ready + state_.current.ended, state_.wishes.number});
}

void group::miss_ack(worker& worker, time_point now) {
    duration age = now - worker.since;
    out_.tell(report_of::ack_overdue{worker, age});
    failure failed{worker.pid, worker.index, "no ack", age};
    ++state_.restarts[worker.index];
    worker.overdue = true;
    // It has never served, so it has nothing to finish: no stop signal, and no long patience.
    dismiss(worker, SIGTERM, haste::hurried, now);
    fail(worker.generation, std::move(failed), now);
}

void group::miss_sign(worker& worker, time_point now) {
    out_.tell(report_of::live_check_missed{worker, now - last_sign_of_life(worker)});
    ++state_.restarts[worker.index];
    worker.overdue = true;
    dismiss(worker, SIGKILL, haste::hurried, now);
    replace_at_once(worker.generation, now);
}

void group::die_ready(const worker& dead, const death& how, time_point now) {
    if (state_.phase != group_phase::running) return;
    if (lineage* line = lineage_of(dead.generation))
        if (unsigned row = line->count_death(how.age, state_.wishes))
            return wait_after(*line, row, now);
    replace_at_once(dead.generation, now);
}

/// Old workers that are lost during an upgrade are replaced by refill_previous().
void group::replace_at_once(core::generation lost, time_point now) {
    bool old = state_.upgrade && lost != state_.current.generation;
    if (old || waits_for_old()) return;
    census count = take_census();
    if (count.fresh_active < count.wanted) add(state_.current.generation, 1, now);
}

/// A worker has ended, and no successor is wanted. One that was too many leaves no gap.
void group::end_for_good(const worker& ended) {
    bool old = is_old(ended);
    lineage& line = old ? state_.upgrade->previous : state_.current;
    census left = take_census();
    if ((old ? left.old_active : left.fresh_active) < line.wanted(state_.wishes)) ++line.ended;
    // New workers get its room: a resize does not bring it back beside them.
    if (old) state_.upgrade->capacity = state_.upgrade->least_old(state_.wishes);
}

void group::want_ended_again() {
    state_.current.want_ended_again();
    if (state_.upgrade) state_.upgrade->previous.want_ended_again();
}

void group::fail(core::generation number, failure failed, time_point now) {
    lineage* line = lineage_of(number);
    if (!line || state_.phase != group_phase::running) return;
    ++line->failures;
    if (state_.upgrade && line == &state_.current) {
        state_.upgrade->keep(std::move(failed));
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
    line.wait_until(now + back_off(state_.wishes.seconds, row, jitter));
}

void group::announce_back_off(lineage& line, time_point now) {
    if (!std::exchange(line.wait_untold, false) || !line.not_before) return;
    out_.tell(report_of::backing_off{line.longest_row(state_.wishes), *line.not_before - now});
}

} // namespace einhyrningsins::core
