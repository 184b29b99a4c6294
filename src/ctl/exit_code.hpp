// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace einhyrningsins::ctl {

/// How the client ends (SPEC section 2).
enum class exit_code {
    done = 0,
    failed = 1,      ///< refused, aborted, or not answered in time
    wrong_usage = 2, ///< the text of the command line is wrong; nothing was sent
    unreachable = 3, ///< no master answers at the control socket
};

} // namespace einhyrningsins::ctl
