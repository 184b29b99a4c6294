// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/socket_path.hpp"

#include <algorithm>

namespace einhyrningsins::core {

std::optional<std::string> complain_of_socket_path(std::string_view path) {
    constexpr std::size_t longest = 107;
    if (std::ranges::any_of(path, [](unsigned char c) { return c < ' ' || c == 0x7f; }))
        return "a path must not contain control characters";
    if (path.size() > longest)
        return "the path of a unix socket may have at most " + std::to_string(longest) + " bytes";
    return std::nullopt;
}

} // namespace einhyrningsins::core
