// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/reconfiguration.hpp"

#include "master/group/worker_recipe.hpp"
#include "master/start_failure.hpp"

#include <algorithm>
#include <iterator>

namespace einhyrningsins::master {
namespace {

using config::group_settings;

/// Whether both settings make the same workers. The settings named here take effect without new
/// workers, except for the ack mode and whether signs of life are required: these are in a
/// worker's environment.
bool make_same_workers(const group_settings& one, group_settings other) {
    if (one.policy.ack.index() != other.policy.ack.index()) return false;
    auto lives = [](const group_settings& each) { return each.policy.live_check.count() > 0; };
    if (lives(one) != lives(other)) return false;
    other.policy = one.policy;
    other.ack_timeout = one.ack_timeout;
    other.stop_command = one.stop_command;
    other.auto_upgrade = one.auto_upgrade;
    other.upgrader = one.upgrader;
    other.upgrader_timeout = one.upgrader_timeout;
    other.upgrader_interval = one.upgrader_interval;
    other.signal_scope = one.signal_scope;
    other.leftovers = one.leftovers;
    return one == other;
}

reconfiguration::fate fate_of(const group_runner* known, const group_settings& wishes) {
    using enum reconfiguration::fate;
    if (!known) return added;
    if (known->is_retired() || !known->trouble().empty()) return started;
    bool is_equal = known->configured() == wishes;
    if (is_equal && !known->is_behind()) return unchanged;
    bool is_new = known->is_behind() || !make_same_workers(known->configured(), wishes);
    return is_new && known->group().can_upgrade() ? upgraded : changed;
}

const group_settings* find(const std::vector<group_settings>& wishes, const std::string& name) {
    auto found = std::ranges::find(wishes, name, &group_settings::name);
    return found == wishes.end() ? nullptr : &*found;
}

/// The open listeners that will not be needed any more.
listener_list released(const group_list& groups, const std::vector<group_settings>& wishes) {
    listener_list all;
    for (const auto& runner : groups) {
        const group_settings* next = find(wishes, runner->settings().name);
        std::ranges::copy(released_by(next ? *next : group_settings(), runner->listeners()),
                          std::back_inserter(all));
    }
    return all;
}

using planned = boost::system::result<reconfiguration::step, std::string>;

std::optional<std::string> open_control(const group_settings& wishes, const surroundings& around,
                                        const os::look_ups& names,
                                        std::unique_ptr<control_server>& into) {
    auto who = names.of(account_query(wishes));
    try {
        into = around.open_control(wishes, who && runs_as_another(*who), std::nullopt);
    } catch (const start_failure& why) {
        return why.what();
    }
    return std::nullopt;
}

/// A group that could not be started before and has not changed in the file may stay as it is.
planned plan(const group_runner* known, const group_settings& wishes, listener_list& released,
             const surroundings& around, const os::look_ups& names) {
    using enum reconfiguration::fate;
    reconfiguration::step next{wishes.name, fate_of(known, wishes), wishes, {}, {}};
    if (next.what == unchanged) return next;
    auto wrong = group_runner::check(wishes, around, names);
    auto opened = open_listeners(wishes, known ? known->all_listeners() : listener_list(), released,
                                 names, *around.files);
    if (!wrong && !opened) wrong = opened.error();
    bool needs_control = known ? known->lacks_control(wishes) : !wishes.control_socket.empty();
    if (!wrong && needs_control) wrong = open_control(wishes, around, names, next.control);
    bool as_before = known && !known->trouble().empty() && known->configured() == wishes;
    if (wrong && !as_before) return planned(boost::system::in_place_error, *wrong);
    if (wrong)
        next.what = unchanged;
    else
        next.listeners = std::move(*opened);
    return next;
}

} // namespace

group_runner* find_group(const group_list& groups, const std::string& name) {
    auto found = std::ranges::find_if(
        groups, [&](const auto& runner) { return runner->settings().name == name; });
    return found == groups.end() ? nullptr : found->get();
}

const char* to_string(reconfiguration::fate what) {
    switch (what) {
    case reconfiguration::fate::unchanged: return "unchanged";
    case reconfiguration::fate::changed: return "changed";
    case reconfiguration::fate::upgraded: return "changed, upgrading";
    case reconfiguration::fate::started: return "changed, starting";
    case reconfiguration::fate::added: return "added";
    case reconfiguration::fate::removed: break;
    }
    return "removed";
}

std::vector<os::any_query> reconfiguration::queries_of(const group_list& groups,
                                                       const std::vector<group_settings>& wishes,
                                                       const surroundings& around) {
    std::vector<os::any_query> wanted;
    auto unused = released(groups, wishes);
    for (const group_settings& one : wishes) {
        const group_runner* known = find_group(groups, one.name);
        if (fate_of(known, one) == fate::unchanged) continue;
        std::ranges::move(group_runner::queries_of(one, around), std::back_inserter(wanted));
        std::ranges::move(
            master::queries_of(one, known ? known->all_listeners() : listener_list(), unused),
            std::back_inserter(wanted));
    }
    return wanted;
}

boost::system::result<reconfiguration, std::string>
reconfiguration::prepare(const group_list& groups, const std::vector<group_settings>& wishes,
                         const surroundings& around, os::look_ups names) {
    reconfiguration made;
    made.names_ = std::move(names);
    std::string complaints;
    auto unused = released(groups, wishes);
    for (const group_settings& one : wishes) {
        auto next = plan(find_group(groups, one.name), one, unused, around, made.names_);
        if (next)
            made.steps_.push_back(std::move(*next));
        else
            complaints += (complaints.empty() ? "" : "\n") + one.name + ": " + next.error();
    }
    using answer = boost::system::result<reconfiguration, std::string>;
    if (!complaints.empty()) return answer(boost::system::in_place_error, complaints);
    for (const auto& runner : groups)
        if (!runner->is_retired() && !find(wishes, runner->settings().name))
            made.steps_.push_back({runner->settings().name, fate::removed, {}, {}, {}});
    return made;
}

} // namespace einhyrningsins::master
