// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace einhyrningsins::config {

/// A text from outside as a message may cite it: in quotes, in one line (control characters become
/// '?') and cut off when it is long.
std::string quote(std::string_view text);

} // namespace einhyrningsins::config
