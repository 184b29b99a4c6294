// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/orphan_log.hpp"

#include <algorithm>

namespace einhyrningsins::master {

std::vector<orphan_log::line> orphan_log::due(core::time_point now) {
    std::vector<line> lines;
    for (auto& [group, known] : accounts_) {
        if (known.is_told() || known.next_line > now) continue;
        lines.emplace_back(group, known.closed);
        known.told = known.closed;
        known.next_line = now + period;
    }
    return lines;
}

std::optional<core::time_point> orphan_log::next() const {
    std::optional<core::time_point> first;
    for (const auto& [group, known] : accounts_)
        if (!known.is_told()) first = std::min(first.value_or(known.next_line), known.next_line);
    return first;
}

std::vector<orphan_log::line> orphan_log::rest(core::time_point now) {
    for (auto& [group, known] : accounts_)
        known.next_line = std::min(known.next_line, now);
    return due(now);
}

std::vector<orphan_log::line>
orphan_log::keep_only(const std::function<bool(const std::string&)>& exists) {
    std::vector<line> lines;
    std::erase_if(accounts_, [&](const auto& one) {
        const auto& [group, known] = one;
        if (exists(group)) return false;
        if (!known.is_told()) lines.emplace_back(group, known.closed);
        return true;
    });
    return lines;
}

} // namespace einhyrningsins::master
