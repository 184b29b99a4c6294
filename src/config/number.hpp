// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/time.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace einhyrningsins::config {

/// Parses the whole of `text` as an integer from `least` to `most` in base 8 or 10; nothing: it is
/// not one.
std::optional<std::int64_t> parse_number(std::string_view text, std::int64_t least,
                                         std::int64_t most, int base = 10);

/// Parses a decimal number of seconds such as "1" or "0.25", at most ten million; nothing: it is
/// not one.
std::optional<core::duration> parse_seconds(std::string_view text);

} // namespace einhyrningsins::config
