// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <vector>

#include <sys/types.h>

namespace einhyrningsins::os {

/// Gives every signal its default disposition and blocks them all, for good: the master hears of
/// signals by open_signal_fd() only, no handler ever runs, and a child has nothing to reset but its
/// mask. SIGPIPE stays pending and does no harm.
void block_all_signals();

/// A non-blocking descriptor, see signalfd(2), that becomes readable when one of the master's
/// signals (SPEC section 3) or SIGCHLD has arrived.
result<unique_fd> open_signal_fd();

/// The signals that have arrived at `signal_fd` since the last call. SIGCHLD stands for any number
/// of deaths.
std::vector<int> read_signals(int signal_fd);

/// kill(2); returns 0 or errno.
int send_signal(pid_t pid, int number);

} // namespace einhyrningsins::os
