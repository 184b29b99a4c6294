// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/worker.hpp"

#include <vector>

#include <sys/types.h>

namespace einhyrningsins::os {

struct reaped {
    pid_t pid;
    core::exit_cause cause;
};

/// Reaps all children that have ended, orphans included where this is process 1. Never waits.
std::vector<reaped> reap_children();

} // namespace einhyrningsins::os
