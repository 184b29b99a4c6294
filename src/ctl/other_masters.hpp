// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

namespace einhyrningsins::ctl {

/// For somebody who found no master at `path`, which is as `-c` makes it: "-c web, -c jobs", what
/// leads to other sockets of the same user in its directory. Empty: there are none.
std::string other_masters(const std::string& path);

} // namespace einhyrningsins::ctl
