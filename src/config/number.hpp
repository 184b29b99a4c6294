// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/time.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace einhyrningsins::config {

/// A whole number from `least` to `most`, all of `text` and nothing else; `base` 8 or 10.
std::optional<std::int64_t> parse_number(std::string_view text, std::int64_t least,
                                         std::int64_t most, int base = 10);

/// Seconds as a decimal number, "1" or "0.25", at most ten million.
std::optional<core::duration> parse_seconds(std::string_view text);

} // namespace einhyrningsins::config
