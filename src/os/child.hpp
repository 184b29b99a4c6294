// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/birth.hpp"
#include "os/identity.hpp"
#include "os/os_error.hpp"

#include <span>

#include <sys/resource.h>
#include <sys/types.h>

namespace einhyrningsins::os {

/// The descriptors of a new child. All are above the numbers that they will be moved to. -1: none.
struct inheritance {
    int directory = -1;
    int null = -1;            ///< becomes 0
    int out = -1;             ///< becomes 1; -1: that of this process
    int err = -1;             ///< becomes 2; -1: that of this process
    std::span<int> listeners; ///< become 3, 4, ...
    int extra = -1;           ///< gets the number after the last listener
    int report = -1;          ///< see birth; closed by the exec
    int highest = 2;          ///< the highest of all these
};

/// Everything that a child needs to reach its program: plain data that is prepared before the child
/// is created, since the child must not allocate.
struct child {
    const char* program; ///< null: a rehearsal, which exits instead of the exec
    char* const* arguments;
    char* const* shell_arguments; ///< for a script without "#!", as execvp(3) runs it
    char* const* environment;
    char* pid_slot; ///< the pid is written here; null: nowhere
    inheritance from;
    const int* nice;                ///< or null
    const rlimit* descriptor_limit; ///< to be restored, or null
    const identity* as; ///< the new identity, in a session of its own; null: that of this process
    bool gives_up_capabilities; ///< drops those that would survive the exec
    bool dies_with_parent;
    pid_t parent;
    birth_failure failure{}; ///< written by a child that shares our memory
    bool failed = false;
    bool shares_table = false; ///< the table of descriptors is ours until it makes its own
    bool needs_table = false;  ///< it cannot make its own, and must be created with one
};

/// Creates a child that shares the memory of this process until its exec, and waits for the exec.
/// This is the fastest way, but only for children of the same user. Returns its pid. If a step has
/// failed, `made` says which, and the child must be reaped by wait_for().
result<pid_t> start_sharing(child& made);

/// Creates a child with its own memory and descriptors. Does not wait: the outcome is written to
/// made.from.report, see birth. Until its exec no other user can read its memory, which is a copy
/// of ours, or its descriptors.
result<pid_t> start_apart(child& made);

/// Reaps a child that exits immediately; blocks until then.
void wait_for(pid_t ended);

} // namespace einhyrningsins::os
