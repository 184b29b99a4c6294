// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <string>

namespace einhyrningsins::world {

/// Calls `tell` in a real child process, which then ends, and returns what it has told: histories
/// leave memory behind, see image. If the process dies, that is told as well.
std::string run_apart(const std::function<std::string()>& tell);

} // namespace einhyrningsins::world
