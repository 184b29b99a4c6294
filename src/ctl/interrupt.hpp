// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace einhyrningsins::ctl {

/// From now on Ctrl-C ends what is waited for, and not the program.
void catch_interrupts();

/// Whether Ctrl-C was pressed since this was last asked.
bool take_interrupt();

} // namespace einhyrningsins::ctl
