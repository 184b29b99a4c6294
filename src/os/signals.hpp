// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <vector>

namespace einhyrningsins::os {

/// Resets every signal to its default disposition and blocks all of them permanently. The master
/// receives signals through open_signal_fd() only and no handler ever runs, so a child only has to
/// reset its mask. SIGPIPE stays pending, which is harmless.
void block_all_signals();

/// As long as it exists, SIGINT, SIGTERM, SIGQUIT and SIGHUP end this process as they would any
/// other, though they are blocked otherwise: for a wait before there is anything to clean up.
class unblocked_ending {
  public:
    unblocked_ending();
    ~unblocked_ending();
    unblocked_ending(const unblocked_ending&) = delete;
    unblocked_ending& operator=(const unblocked_ending&) = delete;
};

/// Ignores the master's signals, or gives them their default disposition again. As long as they are
/// blocked they are kept all the same: for a program that is executed with blocked signals and that
/// may unblock them, as a shell that clears its mask does. They must not end it.
void ignore_signals(bool ignored);

/// A non-blocking descriptor that becomes readable when one of the master's signals (SPEC section
/// 3) or SIGCHLD has arrived, see signalfd(2).
result<unique_fd> open_signal_fd();

/// The signals that have arrived at `signal_fd` since the last call. One SIGCHLD may stand for
/// several deaths.
std::vector<int> read_signals(int signal_fd);

} // namespace einhyrningsins::os
