// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace einhyrningsins::config {

/// Quotes an untrusted text for a message, see core::quoted(), truncated to 200 bytes.
std::string quote(std::string_view text);

} // namespace einhyrningsins::config
