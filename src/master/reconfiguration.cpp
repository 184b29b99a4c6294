// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/reconfiguration.hpp"

#include "handoff/archive.hpp"

#include <algorithm>
#include <array>

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
    bool fresh = known->is_retired() || !known->trouble().empty();
    if (!fresh && are_equal(known->configured(), wishes)) return unchanged;
    if (!fresh && recipe_of(known->configured()) == recipe_of(wishes)) return changed;
    return upgraded;
}

/// All that are open, but for those of `but`.
std::vector<const listener_set*> listeners_of(const group_list& groups, const group_runner* but) {
    std::vector<const listener_set*> all;
    for (const auto& runner : groups)
        if (runner.get() != but) all.push_back(&runner->open_listeners());
    return all;
}

using planned = boost::system::result<reconfiguration::step, std::string>;

/// A group that could not be started before, and of which the file says nothing new, may go on so.
planned plan(const group_list& groups, const group_settings& wishes, const surroundings& around) {
    const group_runner* known = find_group(groups, wishes.name);
    reconfiguration::step next{wishes.name, fate_of(known, wishes), wishes, {}};
    if (next.what == reconfiguration::fate::unchanged) return next;
    auto wrong = group_runner::check(wishes, around);
    if (!wrong) {
        auto opened = listener_set::open(wishes, known ? known->open_listeners() : listener_set(),
                                         listeners_of(groups, known));
        if (opened) {
            next.listeners = std::move(*opened);
            return next;
        }
        wrong = opened.error();
    }
    bool as_before = known && !known->trouble().empty() && are_equal(known->configured(), wishes);
    if (!as_before) return planned(boost::system::in_place_error, *wrong);
    return reconfiguration::step{wishes.name, reconfiguration::fate::unchanged, wishes, {}};
}

bool is_among(const std::vector<group_settings>& wishes, const std::string& name) {
    return std::ranges::find(wishes, name, &group_settings::name) != wishes.end();
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
    for (const group_settings& one : wishes) {
        auto next = plan(groups, one, around);
        if (next)
            made.steps_.push_back(std::move(*next));
        else
            complaints += (complaints.empty() ? "" : "\n") + one.name + ": " + next.error();
    }
    using answer = boost::system::result<reconfiguration, std::string>;
    if (!complaints.empty()) return answer(boost::system::in_place_error, complaints);
    for (const auto& runner : groups)
        if (!runner->is_retired() && !is_among(wishes, runner->settings().name))
            made.steps_.push_back({runner->settings().name, fate::removed, {}, {}});
    return made;
}

} // namespace einhyrningsins::master
