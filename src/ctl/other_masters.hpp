// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

namespace einhyrningsins::ctl {

/// For somebody who has found no master at `path`: the options that lead to other control sockets
/// of this user in the same directory, at most five, sorted: "-c web, -c jobs". Whether a master
/// listens there is not checked. Empty: there are none, or `path` is not one that -c leads to.
std::string other_masters(const std::string& path);

} // namespace einhyrningsins::ctl
