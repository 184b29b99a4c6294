// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <stdexcept>

namespace einhyrningsins::master {

/// Why the master cannot start: the one exception that leaves it, before the loop runs. What was
/// opened is undone on the way. The text names the option, the address or the path at fault.
struct start_failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

} // namespace einhyrningsins::master
