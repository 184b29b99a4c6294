// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ctl/client.hpp"
#include "ctl/console.hpp"
#include "ctl/einhorn_console.hpp"
#include "ctl/exit_code.hpp"

namespace einhyrningsins::ctl {

/// Reads commands on a terminal, with history and completion, until `quit`, `exit` or Ctrl-D. A
/// master that is lost is reported, and the next command tries to reach it again. Returns
/// exit_code::done, or, if no master can be reached at the beginning, why.
exit_code run_shell(client& master, console& commands);
/// The same under the name einhornsh, where the master is greeted first.
exit_code run_shell(client& master, einhorn_console& commands);

/// Runs the commands in the lines of standard input, until its end, `quit` or `exit`, or until the
/// master cannot be reached. Returns the gravest result.
exit_code run_lines(console& commands);
exit_code run_lines(einhorn_console& commands);

} // namespace einhyrningsins::ctl
