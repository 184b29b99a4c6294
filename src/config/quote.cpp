// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/quote.hpp"

#include "core/printable.hpp"

namespace einhyrningsins::config {

std::string quote(std::string_view text) {
    constexpr std::size_t longest = 200;
    return core::quoted(text, longest);
}

} // namespace einhyrningsins::config
