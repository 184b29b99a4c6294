// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/number.hpp"

#include <charconv>
#include <cmath>

namespace einhyrningsins::config {

std::optional<std::int64_t> parse_number(std::string_view text, std::int64_t least,
                                         std::int64_t most, int base) {
    std::int64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    bool whole = error == std::errc() && end == text.data() + text.size();
    if (!whole || value < least || value > most) return std::nullopt;
    return value;
}

std::optional<core::duration> parse_seconds(std::string_view text) {
    constexpr double most = 10'000'000;
    double value = 0;
    auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    bool whole = error == std::errc() && end == text.data() + text.size();
    if (!whole || !(value >= 0 && value <= most)) return std::nullopt;
    return std::chrono::round<core::duration>(std::chrono::duration<double>(value));
}

} // namespace einhyrningsins::config
