// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/process_table.hpp"

#include "core/assert.hpp"

#include <utility>

namespace einhyrningsins::core {

process_table::process_table(std::vector<worker> workers) : workers_(std::move(workers)) {
    std::ranges::stable_sort(workers_, {}, &worker::id);
    for (const worker& worker : workers_)
        if (worker.has_process()) by_pid_.emplace(worker.pid, worker.id);
}

const worker* process_table::find(worker_id id) const {
    auto found = std::ranges::lower_bound(workers_, id, {}, &worker::id);
    return found == workers_.end() || found->id != id ? nullptr : &*found;
}

worker* process_table::find(worker_id id) {
    return const_cast<worker*>(std::as_const(*this).find(id));
}

const worker* process_table::find(process_id pid) const {
    auto known = by_pid_.find(pid);
    return known == by_pid_.end() ? nullptr : find(known->second);
}

worker& process_table::add(worker_id id, generation number, time_point now) {
    assert(workers_.empty() || workers_.back().id < id);
    unsigned index = free_index();
    return workers_.emplace_back(
        worker{.id = id, .index = index, .generation = number, .since = now});
}

void process_table::spawned(worker& worker, process_id pid, time_point now) {
    worker.spawned(pid, now);
    by_pid_.insert_or_assign(pid, worker.id);
}

worker process_table::remove(worker_id id) {
    auto found = std::ranges::lower_bound(workers_, id, {}, &worker::id);
    assert(found != workers_.end() && found->id == id);
    worker removed = std::move(*found);
    workers_.erase(found);
    auto known = by_pid_.find(removed.pid);
    if (known != by_pid_.end() && known->second == id) by_pid_.erase(known);
    return removed;
}

void process_table::drop_wanted(std::optional<generation> of) {
    std::erase_if(workers_, [&](const worker& worker) {
        return worker.state == worker_state::wanted && (!of || worker.generation == *of);
    });
}

unsigned process_table::capacity() const {
    return static_cast<unsigned>(std::ranges::count_if(workers_, &worker::is_ready));
}

unsigned process_table::unanswered() const {
    return static_cast<unsigned>(std::ranges::count_if(workers_, &worker::is_being_spawned));
}

census process_table::count(std::optional<generation> newest) const {
    census counted;
    for (const worker& worker : workers_) {
        ++counted.existing;
        if (!worker.active()) continue;
        if (newest && worker.generation != *newest) {
            ++counted.old_active;
            continue;
        }
        ++counted.fresh_active;
        ++(worker.is_ready() ? counted.fresh_ready : counted.fresh_unacked);
    }
    return counted;
}

unsigned process_table::free_index() const {
    std::vector<bool> taken(workers_.size() + 1);
    for (const worker& worker : workers_)
        if (worker.index < taken.size()) taken[worker.index] = true;
    return static_cast<unsigned>(std::ranges::find(taken, false) - taken.begin());
}

} // namespace einhyrningsins::core
