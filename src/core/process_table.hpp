// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/policy.hpp"
#include "core/worker.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <unordered_map>
#include <vector>

namespace einhyrningsins::core {

/// The workers of a group, in the order of their ids, which is that in which they were wanted.
/// Finds one by its id or its pid in a time that hardly depends on their number. All that is
/// counted is counted from the records, and kept nowhere else.
class process_table {
  public:
    process_table() = default;
    /// In any order. Of workers with the same id or pid, which no group has, only one is found.
    explicit process_table(std::vector<worker> workers);

    auto begin() const { return workers_.begin(); }
    auto end() const { return workers_.end(); }
    /// Records may be changed in place, but for their id and pid.
    auto begin() { return workers_.begin(); }
    auto end() { return workers_.end(); }
    bool empty() const { return workers_.empty(); }
    const std::vector<worker>& workers() const { return workers_; }

    /// nullptr: there is none. Valid until a worker is added or removed.
    worker* find(worker_id id);
    const worker* find(worker_id id) const;
    /// Of one that has a process.
    const worker* find(process_id pid) const;

    /// A wanted worker with the smallest index that is free. `id` is greater than all before.
    worker& add(worker_id id, generation number, time_point now);
    /// A worker has been spawned, see worker::spawned.
    void spawned(worker& worker, process_id pid, time_point now);
    /// Takes out one that is there.
    worker remove(worker_id id);
    /// Drops wanted workers: all, or those of one generation.
    void drop_wanted(std::optional<generation> of = {});

    /// Workers that serve.
    unsigned capacity() const;
    /// Spawns that the shell owes an answer to.
    unsigned unanswered() const;
    /// All but `wanted`. `newest`: in an upgrade, the generation that is not old.
    census count(std::optional<generation> newest) const;

    /// At most `count` active workers that are `eligible`, those with the smallest `rank` first.
    template <class Rank, class Predicate>
    std::vector<worker_id> choose(unsigned count, Rank rank, Predicate eligible) const;

  private:
    unsigned free_index() const;

    std::vector<worker> workers_; ///< sorted by id
    std::unordered_map<process_id, worker_id> by_pid_;
};

template <class Rank, class Predicate>
std::vector<worker_id> process_table::choose(unsigned count, Rank rank, Predicate eligible) const {
    std::vector<const worker*> candidates;
    for (const worker& worker : workers_)
        if (worker.active() && eligible(worker)) candidates.push_back(&worker);
    std::ranges::sort(candidates, {}, [&](const worker* worker) { return rank(*worker); });
    if (candidates.size() > count) candidates.resize(count);
    std::vector<worker_id> chosen;
    for (const worker* worker : candidates)
        chosen.push_back(worker->id);
    return chosen;
}

} // namespace einhyrningsins::core
