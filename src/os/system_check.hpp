// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"

namespace einhyrningsins::os {

/// Checks whether a master can work on this system: /proc is mounted, and children can be started.
/// To be called at the start, so that what can never succeed is not retried forever. A temporary
/// lack of resources is not an error.
result<void> check_system();

} // namespace einhyrningsins::os
