// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/worker.hpp"
#include "master/control/caller.hpp"

#include <cstdint>
#include <map>
#include <vector>

namespace einhyrningsins::master {

class group_runner;

/// The live workers of all groups by their pid: whose worker a process is takes one look-up,
/// however many groups there are. A worker is in it from its birth until its end is noticed, which
/// is not before it is reaped: no pid in it is another process's.
class pid_table {
  public:
    struct entry {
        worker_ref worker;
        group_runner* runner = nullptr; ///< the group's; null: there is no such worker
        uid_t user = 0;                 ///< as whom it was started

        explicit operator bool() const { return runner != nullptr; }
        /// Whether the worker was started as that user, or has become that user since.
        bool runs_as(uid_t who) const;
    };

    /// `runner` has started a worker. One with the same pid must have ended: its entry is replaced.
    void add(core::process_id pid, group_runner& runner, uid_t user);
    /// The worker has ended; nothing happens if there is none.
    void remove(core::process_id pid);
    /// The same for all workers of a group.
    void remove_all(const group_runner& runner);

    /// The worker with exactly this pid; an empty entry if there is none.
    entry find(core::process_id pid) const;
    /// The worker, unless it has ended.
    entry find(const worker_ref& worker) const;

    /// The worker that this process is or descends from: a worker may be a shell that waits for the
    /// real server, which then speaks for it. An empty entry if there is none, or none that is
    /// near.
    entry find_above(core::process_id pid) const;

    /// How many live workers were started as that user.
    unsigned workers_of(uid_t user) const;
    /// Whether all live workers were started as that user.
    bool all_are_of(uid_t user) const;

  private:
    void forget_user(uid_t user);

    std::vector<entry> entries_; ///< by pid
    std::map<uid_t, unsigned> users_;
    std::uint64_t last_serial_ = 0;
};

} // namespace einhyrningsins::master
