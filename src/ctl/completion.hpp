// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ctl/client.hpp"

namespace einhyrningsins::ctl {

/// Makes readline(3) complete the names of commands. `shell`: what inputrc calls this program
/// ("$if NAME"), a literal.
void complete_commands(const char* shell);

/// Makes readline(3) complete the names of commands, and after them the names of the groups of
/// `master`, which is asked for them at each attempt and must live as long as the shell.
void complete_with(client& master);

} // namespace einhyrningsins::ctl
