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

std::string no_such_group(const group_list& groups, const std::string& name) {
    std::vector<std::string> known;
    for (const auto& runner : groups)
        known.push_back(runner->settings().name);
    std::string hint = core::did_you_mean(name, known);
    return "no group is called " + protocol::quoted(name) +
           (hint.empty() ? "; 'list' shows the names" : hint);
}

found_worker worker_with(const group_list& groups, core::process_id pid) {
    for (const auto& runner : groups)
        if (runner->group().find(pid)) return {runner.get(), pid};
    return {};
}

found_worker worker_above(const group_list& groups, core::process_id pid) {
    for (const auto& runner : groups) {
        if (auto found = runner->worker_above(pid)) return {runner.get(), *found};
    }
    return {};
}

bool is_operator(const os::peer& who, std::optional<gid_t> operators) {
    if (who.uid == 0 || who.uid == os::own_user()) return true;
    if (!operators) return false;
    return who.gid == *operators || std::ranges::find(who.groups, *operators) != who.groups.end();
}

bool runs_as_another(const config::group_settings& wishes) {
    auto who = os::find_identity(wishes.user, wishes.group);
    return who && *who && (*who)->user != os::own_user();
}

} // namespace einhyrningsins::master
