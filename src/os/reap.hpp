// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/worker.hpp"

#include <chrono>
#include <cstdint>
#include <vector>

#include <sys/types.h>

namespace einhyrningsins::os {

/// The resources used by a process and by its own children that it has waited for.
struct resources_used {
    /// The peak resident memory of a single one of these. At least that of this process when it
    /// started the child, which shared its memory until the exec.
    std::uint64_t peak_memory_bytes = 0;
    std::chrono::microseconds user_time{0};
    std::chrono::microseconds system_time{0};
};

/// A child that has ended.
struct reaped {
    pid_t pid = 0;
    core::exit_cause cause;
    resources_used used{};
};

/// Reaps all children that have exited, including orphans if this is process 1. Never blocks.
std::vector<reaped> reap_children();

} // namespace einhyrningsins::os
