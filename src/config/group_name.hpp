// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>

namespace einhyrningsins::config {

/// Whether a group or a master can be called so: it becomes part of paths, of log lines and of what
/// ps(1) shows. A word without '/' and control characters.
bool is_group_name(std::string_view name);

/// What is wrong with one that cannot.
constexpr const char* no_group_name = " is no name: it must be a word without '/'";

} // namespace einhyrningsins::config
