// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/worker.hpp"
#include "handoff/state.hpp"
#include "loop/alarm.hpp"
#include "master/group/group_context.hpp"
#include "os/process.hpp"

#include <set>
#include <vector>

namespace einhyrningsins::master {

/// What the workers of a group leave behind in their process groups when they end (--leftovers): a
/// server whose shell did not exec it, say, which goes on accepting connections with old code. It
/// is sent SIGTERM, and SIGKILL when core::grace_before_kill has passed; or it is only logged.
class leftovers {
  public:
    leftovers(const group_context& of, const std::vector<handoff::leftover>& from);
    leftovers(const leftovers&) = delete;
    leftovers& operator=(const leftovers&) = delete;

    /// The whole process group of that worker is about to be sent SIGKILL.
    void note_killed(core::process_id pid) { killed_.insert(pid); }
    /// The worker has just been reaped, which was started as `user`. If that is another one than
    /// the master's, processes of third users in its process group are left alone: it may have led
    /// the master to believe that the group is its own.
    void look_after(const core::worker& worker, uid_t user);
    /// A child that is no worker has died: it may have been the last of those left behind.
    void look_again();
    /// Ends whoever is left at once.
    void kill();
    /// Whether nobody is left, or nobody is waited for any more.
    bool empty() const { return groups_.empty(); }

    const std::vector<handoff::leftover>& hand_over() const { return groups_; }

  private:
    void tend();
    /// Does what is due for a group of which `members` run. Returns whether it is still
    /// waited for.
    bool tend(handoff::leftover& group, const os::running_members& members, core::time_point now);
    bool begin(handoff::leftover& group, std::size_t count, core::time_point now);
    bool insist(handoff::leftover& group, std::size_t count, core::time_point now);
    void send(handoff::leftover& group, int signal, core::time_point now);
    void log(core::severity level, const handoff::leftover& group, const std::string& text) const;
    bool keeps() const;

    const group_context& of_;
    std::vector<handoff::leftover> groups_;
    std::set<core::process_id> killed_;
    loop::alarm alarm_;
};

} // namespace einhyrningsins::master
