// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/reconfiguration.hpp"

#include "handoff/archive.hpp"
#include "master/start_failure.hpp"

#include <algorithm>
#include <iterator>

namespace einhyrningsins::master {
namespace {

namespace json = boost::json;
using config::group_settings;

bool are_equal(const group_settings& one, const group_settings& other) {
    return handoff::to_json(one) == handoff::to_json(other);
}

/// What its workers are made from. The other settings take effect without new workers.
json::value recipe_of(const group_settings& wishes) {
    json::object all = handoff::to_json(wishes).as_object();
    for (const char* name : {"policy", "ack_timeout", "stop_command", "auto_upgrade", "upgrader",
                             "upgrader_timeout", "upgrader_interval"})
        all.erase(name);
    // These two have a variable in the environment.
    all["ack_mode"] = wishes.policy.ack.index();
    all["live_check"] = wishes.policy.live_check > core::duration::zero();
    return all;
}

reconfiguration::fate fate_of(const group_runner* known, const group_settings& wishes) {
    using enum reconfiguration::fate;
    if (!known) return added;
    if (known->is_retired() || !known->trouble().empty()) return started;
    bool is_equal = are_equal(known->configured(), wishes);
    if (is_equal && !known->is_behind()) return unchanged;
    bool is_new = known->is_behind() || recipe_of(known->configured()) != recipe_of(wishes);
    return is_new && known->group().can_upgrade() ? upgraded : changed;
}

const group_settings* find(const std::vector<group_settings>& wishes, const std::string& name) {
    auto found = std::ranges::find(wishes, name, &group_settings::name);
    return found == wishes.end() ? nullptr : &*found;
}

/// What the groups have open and will not need.
listener_set::list_type released(const group_list& groups,
                                 const std::vector<group_settings>& wishes) {
    listener_set::list_type all;
    for (const auto& runner : groups) {
        const group_settings* next = find(wishes, runner->settings().name);
        std::ranges::copy(runner->open_listeners().released_by(next ? *next : group_settings()),
                          std::back_inserter(all));
    }
    return all;
}

using planned = boost::system::result<reconfiguration::step, std::string>;

std::optional<std::string> open_control(const group_settings& wishes, const surroundings& around,
                                        std::unique_ptr<control_server>& into) {
    try {
        into = around.open_control(wishes, std::nullopt);
    } catch (const start_failure& why) {
        return why.what();
    }
    return std::nullopt;
}

/// A group that could not be started before, and of which the file says nothing new, may go on so.
planned plan(const group_runner* known, const group_settings& wishes,
             listener_set::list_type& released, const surroundings& around) {
    using enum reconfiguration::fate;
    reconfiguration::step next{wishes.name, fate_of(known, wishes), wishes, {}, {}};
    if (next.what == unchanged) return next;
    listener_set none;
    auto wrong = group_runner::check(wishes, around);
    auto opened = listener_set::open(wishes, known ? known->open_listeners() : none, released);
    if (!wrong && !opened) wrong = opened.error();
    bool needs_control = known ? known->lacks_control(wishes) : !wishes.control_socket.empty();
    if (!wrong && needs_control) wrong = open_control(wishes, around, next.control);
    bool as_before = known && !known->trouble().empty() && are_equal(known->configured(), wishes);
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

boost::system::result<reconfiguration, std::string>
reconfiguration::prepare(const group_list& groups, const std::vector<group_settings>& wishes,
                         const surroundings& around) {
    reconfiguration made;
    std::string complaints;
    auto unused = released(groups, wishes);
    for (const group_settings& one : wishes) {
        auto next = plan(find_group(groups, one.name), one, unused, around);
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
