// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/quote.hpp"

#include <algorithm>

namespace einhyrningsins::config {

std::string quote(std::string_view text) {
    constexpr std::size_t longest = 200;
    std::string cited(text.substr(0, longest));
    std::ranges::replace_if(
        cited, [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
    return "'" + cited + (text.size() > longest ? "...'" : "'");
}

} // namespace einhyrningsins::config
