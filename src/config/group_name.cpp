// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/group_name.hpp"

#include <algorithm>

namespace einhyrningsins::config {

bool is_group_name(std::string_view name) {
    return !name.empty() && std::ranges::none_of(name, [](unsigned char c) {
        return c == '/' || c < ' ' || c == 0x7f;
    });
}

} // namespace einhyrningsins::config
