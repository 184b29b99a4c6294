// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/group_changes.hpp"

#include "config/option.hpp"
#include "master/view.hpp"

namespace einhyrningsins::master {

using protocol::verb;

boost::system::result<bool, std::string> open_to_start(group_runner& group) {
    os::look_ups names;
    auto left = names.add_local(group.queries());
    auto trouble = left.empty() ? group.open(names) : group.open_and_start(names, std::move(left));
    if (trouble) return {boost::system::in_place_error, std::move(*trouble)};
    return {boost::system::in_place_value, group.trouble().empty()};
}

unsigned worker_number(const group_runner& group) { return group.group().wishes().number; }

void set_worker_number(group_runner& group, unsigned number) { group.resize(number, std::nullopt); }

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
    return std::string(to_string(activity_of(group))) + "; 'start' begins it again";
}

} // namespace einhyrningsins::master
