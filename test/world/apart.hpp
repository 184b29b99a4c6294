// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <string>

namespace einhyrningsins::world {

/// Calls `tell` in a real child process, which then ends, and returns what it has told: histories
/// leave memory behind, see image. If the process dies, that is told as well.
std::string run_apart(const std::function<std::string()>& tell);

/// Runs history 1, 2, ... in this way, until one returns `over` or what is wrong with it. Returns
/// the latter.
std::string run_numbered(const std::function<std::string(unsigned number)>& history);
constexpr const char* over = "over";

} // namespace einhyrningsins::world
