// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <vector>

namespace einhyrningsins::os {

/// Blocks all signals permanently: the master receives them through open_signal_fd() only, and no
/// handler ever runs. SIGPIPE stays pending, which is harmless.
///
/// The master's signals (SPEC section 3) are ignored besides, all others have their default action.
/// Linux keeps a blocked signal even if it is ignored. This is for a program that is executed in
/// place of this one and unblocks them, as some shells do: they must not end it. As to ignore a
/// signal discards one that is pending (sigaction(2)), this is done at the beginning, and not again
/// by a program that was executed by one that has done it.
void block_all_signals();

/// The same, except that SIGINT, SIGTERM, SIGQUIT and SIGHUP are not blocked and end this process
/// as they would any other: for as long as there is nothing to clean up.
void block_all_but_ending_signals();

/// Undoes block_all_signals(), for a child before its exec. Only makes system calls.
void reset_masters_signals();

/// A non-blocking descriptor that becomes readable when one of the master's signals (SPEC section
/// 3) or SIGCHLD has arrived, see signalfd(2).
result<unique_fd> open_signal_fd();

/// The signals that have arrived at `signal_fd` since the last call. One SIGCHLD may stand for
/// several deaths.
std::vector<int> read_signals(int signal_fd);

} // namespace einhyrningsins::os
