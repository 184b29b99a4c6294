// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ctl/exit_code.hpp"
#include "ctl/firestarter_arguments.hpp"

namespace einhyrningsins::ctl {

/// Does what the command line of firestarter asks for (SPEC section 5). The daemon may be
/// firestarter itself. What it answers is printed as firestarter prints it; what it refuses, on
/// standard error. `list` and `status` wait 10 s for the answer, everything else as long as it
/// takes; `stop` waits until the daemon has ended.
exit_code run_firestarter(const firestarter_arguments& given);

} // namespace einhyrningsins::ctl
