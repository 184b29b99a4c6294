// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ctl/client.hpp"

namespace einhyrningsins::ctl {

/// Makes readline complete the names of commands, for the shell of that name.
void complete_commands(const char* shell);

/// Makes readline complete the names of commands, and after them the names of the groups of
/// `master`, which must live as long as the shell.
void complete_with(client& master);

} // namespace einhyrningsins::ctl
