// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace einhyrningsins::ctl {

/// From now on Ctrl-C (SIGINT) interrupts system calls that wait, and does not end the program. For
/// the shell, where it ends a command.
void catch_interrupts();

/// Whether SIGINT has come since the last call.
bool take_interrupt();

} // namespace einhyrningsins::ctl
