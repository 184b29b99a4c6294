// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ctl/exit_code.hpp"
#include "ctl/firestarter_arguments.hpp"

namespace einhyrningsins::ctl {

/// Does what the command line of firestarter asks for. The daemon may be firestarter itself. What
/// it answers is printed as firestarter does; what it refuses, on standard error.
exit_code run_firestarter(const firestarter_arguments& given);

} // namespace einhyrningsins::ctl
