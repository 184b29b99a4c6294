// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/access.hpp"

#include "core/nearest.hpp"
#include "protocol/commands.hpp"

#include <algorithm>

namespace einhyrningsins::master {

group_selection select(const group_list& groups, const std::vector<std::string>& names) {
    group_selection chosen;
    for (const auto& runner : groups)
        if (names.empty() || std::ranges::find(names, runner->settings().name) != names.end())
            chosen.push_back(runner.get());
    return chosen;
}

group_selection select_named(const group_list& groups, const std::string& name) {
    std::vector<std::string> names;
    if (!name.empty()) names.push_back(name);
    return select(groups, names);
}

std::string no_such_group(const group_list& groups, const std::string& name) {
    std::vector<std::string> known;
    for (const auto& runner : groups)
        known.push_back(runner->settings().name);
    std::string hint = core::did_you_mean(name, known);
    return "no group is called " + protocol::quoted(name) +
           (hint.empty() ? "; 'list' shows the names" : hint);
}

bool is_operator(const os::peer& who, std::optional<gid_t> operators) {
    if (who.uid == 0 || who.uid == os::own_user()) return true;
    if (!operators) return false;
    return who.gid == *operators || std::ranges::find(who.groups, *operators) != who.groups.end();
}

} // namespace einhyrningsins::master
