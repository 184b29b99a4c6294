// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>

#include <sys/types.h>

/// Child processes, and the signals that are sent to them. No other file sends signals.
namespace einhyrningsins::os {

/// A child of this process that has not been reaped. Its pid cannot be reused before that, whether
/// the child runs or has ended, and only the loop of this process reaps (see reap_children). So the
/// pid identifies the child as reliably as a pidfd would. Each function that sends a signal first
/// checks that the pid is a child: no other process, and neither 0 nor -1, is ever signalled.
class process {
  public:
    process() = default; ///< no process
    explicit process(pid_t pid) : pid_(pid) {}
    pid_t pid() const { return pid_; }

    /// Whether there is such a child, running or ended. It may have been reaped by another program
    /// that ran in this process in the meantime, see replace_program.
    bool is_own_child() const;
    /// Sends a signal to the child. Error ESRCH: there is no such child.
    result<void> signal(int number) const;
    /// The same for the process group that the child leads, and for the child itself if it is in
    /// another group.
    result<void> signal_group(int number) const;

  private:
    pid_t pid_ = 0;
};

/// The processes that a reaped child has left behind in the process group that it led. The id of a
/// group cannot be reused as long as the group has members. To be sure that it has not been reused,
/// one member must be a child of this process, as orphans are (see adopt_orphans()), and no process
/// may have the pid of the former leader.
class orphaned_group {
  public:
    explicit orphaned_group(pid_t leader) : id_(leader) {}

    /// Whether the group has members, running or ended.
    bool exists() const;
    /// Sends a signal to all members. Error ESRCH: there are none.
    result<void> signal(int number) const;

  private:
    pid_t id_;
};

/// The running members of a process group.
struct running_members {
    std::size_t count = 0;
    std::set<uid_t> users; ///< the effective ones
};

/// Those of each of these process groups. Reads the list of all processes in /proc once, unless
/// `groups` is empty. A group without running members is not in the result.
std::map<pid_t, running_members> find_running(const std::set<pid_t>& groups);

/// Sends a signal to this process; may be called between clone(2) and execve(2).
void signal_self(int number);

/// The resident memory of a process in bytes; 0: there is no process with that pid.
std::uint64_t memory_bytes(pid_t pid);

} // namespace einhyrningsins::os
