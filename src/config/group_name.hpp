// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>

namespace einhyrningsins::config {

/// Whether this can be the name of a group or a master: not empty, without '/' and control
/// characters. It becomes part of paths, log lines and the title in ps(1).
bool is_group_name(std::string_view name);

/// The message about a name that cannot, to be appended to it.
constexpr const char* no_group_name = " is not a valid name: it must be a word without '/'";

} // namespace einhyrningsins::config
