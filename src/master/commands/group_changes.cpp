// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/group_changes.hpp"

#include "config/option.hpp"
#include "master/commands/status.hpp"

namespace einhyrningsins::master {

using protocol::verb;

unsigned worker_number(const group_runner& group) { return group.group().wishes().number; }

void set_worker_number(group_runner& group, unsigned number) {
    config::group_settings changed = group.settings();
    changed.policy.number = number;
    group.change(changed);
}

unsigned wanted_number(const protocol::order& what, const group_runner& group) {
    unsigned now = worker_number(group);
    return what.what == verb::inc ? now + 1 : what.what == verb::dec ? now - 1 : what.number;
}

std::optional<std::string> change_options(const group_selection& groups,
                                          const option_changes& changes) {
    std::vector<config::group_settings> changed;
    for (const group_runner* runner : groups) {
        changed.push_back(runner->settings());
        for (const auto& [name, values] : changes)
            if (auto wrong = config::change_at_run_time(changed.back(), name, values)) return wrong;
    }
    for (std::size_t i = 0; i < groups.size(); ++i)
        groups[i]->change(changed[i]);
    return std::nullopt;
}

std::string why_not_upgradable(const core::group& group) {
    if (group.can_upgrade()) return {};
    std::string why = awaited(group);
    if (!why.empty()) return "waiting for " + why + "; 'start' begins at once";
    return std::string(state_name(group)) + "; 'start' begins it again";
}

} // namespace einhyrningsins::master
