// SPDX-License-Identifier: GPL-3.0-or-later
//
// How workers are told to go.
#include "core/group.hpp"

namespace einhyrningsins::core {

void group::dismiss(worker& worker, int signal, haste how, time_point now) {
    worker.dismiss(signal, how, now);
    if (worker.has_process() && signal != 0) out_.dismiss(worker.id, signal);
}

/// Those that were told as firmly before are left alone.
void group::dismiss_all(int signal, time_point now) {
    for (worker& worker : table_) {
        int before = worker.told.signal;
        bool told_as_firmly =
            !worker.active() && (before == signal || before == SIGKILL ||
                                 (before == SIGTERM && signal == state_.wishes.stop_signal));
        if (!told_as_firmly) dismiss(worker, signal, haste::patient, now);
    }
}

/// Workers with a process are left to the stop command; those that are still being spawned, of
/// which it cannot know, get the stop signal when they are there. Those who go already are left
/// alone: so a group that is stopping runs no second one.
void group::dismiss_by_command(time_point now) {
    bool any = false;
    for (worker& worker : table_) {
        if (!worker.active()) continue;
        any |= worker.has_process();
        dismiss(worker, worker.has_process() ? 0 : state_.wishes.stop_signal, haste::patient, now);
    }
    if (any) out_.push(action::run_stop_command{});
}

/// Those of one generation that have not acked.
void group::dismiss_unacked(core::generation number, int signal, time_point now) {
    table_.drop_wanted(number);
    for (worker& worker : table_)
        if (worker.generation == number && worker.is_unacked())
            dismiss(worker, signal, haste::patient, now);
}

void group::retire(worker_id id, int signal, time_point now) {
    worker& retired = *table_.find(id);
    if (retired.state == worker_state::wanted)
        table_.remove(id);
    else
        dismiss(retired, signal, haste::patient, now);
}

} // namespace einhyrningsins::core
