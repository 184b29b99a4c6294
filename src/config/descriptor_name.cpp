// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/descriptor_name.hpp"

#include <algorithm>
#include <functional>

namespace einhyrningsins::config {
namespace {

constexpr std::size_t longest = 255;

bool can_be_carried(unsigned char c) { return c > ' ' && c < 0x7f && c != ':'; }

} // namespace

bool is_descriptor_name(std::string_view name) {
    return !name.empty() && name.size() <= longest && std::ranges::all_of(name, can_be_carried);
}

std::string to_descriptor_name(std::string_view name) {
    if (name.empty()) return "_";
    std::string valid(name.substr(0, longest));
    std::ranges::replace_if(valid, std::not_fn(can_be_carried), '_');
    return valid;
}

} // namespace einhyrningsins::config
