// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/upgrade_commands.hpp"

#include "master/commands/access.hpp"
#include "master/commands/outcome.hpp"
#include "master/commands/status.hpp"
#include "master/commands/upgrade_watch.hpp"
#include "master/logging.hpp"
#include "master/master.hpp"
#include "protocol/version.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace einhyrningsins::master {
namespace {

using protocol::dialect;
using protocol::refusal;
using protocol::reply;

core::upgrade_mode mode_of(const protocol::order& what) {
    return what.what == protocol::verb::upgrade ? core::upgrade_mode::rolling
                                                : core::upgrade_mode::fleet;
}

/// What happens to each group, a line each; unchanged ones are counted.
std::string in_words(const reconfiguration& what) {
    std::string text;
    std::size_t unchanged = 0;
    for (const reconfiguration::step& one : what.steps())
        if (one.what == reconfiguration::fate::unchanged)
            ++unchanged;
        else
            text += one.name + ": " + to_string(one.what) + "\n";
    return text +
           (text.empty() ? "nothing has changed" : count_of(unchanged, "group") + " unchanged");
}

/// Begins the upgrade of one group.
outcome begin_upgrade(group_runner& runner, core::upgrade_mode mode) {
    if (auto why = why_not_upgradable(runner.group()); !why.empty()) return {"left alone: " + why};
    runner.request_upgrade({mode, {}});
    const char* how =
        runner.group().is_restarting() ? "with the restart that goes on" : to_string(mode);
    return {std::string(runner.has_upgrader() ? "running the upgrader, then " : "") + "upgrading " +
            count_of(worker_number(runner), "worker") + ", " + how};
}

std::vector<std::string> names_of(const group_selection& groups) {
    std::vector<std::string> names;
    for (const group_runner* runner : groups)
        names.push_back(runner->settings().name);
    return names;
}

group_selection upgradable(const group_selection& groups) {
    group_selection able;
    std::ranges::copy_if(groups, std::back_inserter(able),
                         [](const group_runner* runner) { return runner->group().can_upgrade(); });
    return able;
}

} // namespace

reply upgrade_commands::upgrade(const protocol::order& what, const group_selection& groups,
                                const audience& who) {
    if (master_.is_stopping()) return refusal("the master is stopping");
    group_selection able = upgradable(groups);
    if (able.empty())
        return refusal(groups[0]->settings().name + " is " +
                       why_not_upgradable(groups[0]->group()));
    if (master_.reloads_before_upgrades()) return reload_before_upgrade(what, able, who);
    if (who.id)
        add_watch(who.client.shared_from_this(), first_watch(*who.id, who.spoken, names_of(able)),
                  able);
    reply answer = for_each(
        groups, [&](group_runner& runner) { return begin_upgrade(runner, mode_of(what)); });
    answer.message = who.spoken.begun(what.what, std::move(answer.message));
    answer.wait = who.id.has_value();
    return answer;
}

reply upgrade_commands::reload_before_upgrade(const protocol::order& what,
                                              const group_selection& groups, const audience& who) {
    core::upgrade_mode mode = mode_of(what);
    std::string ours = std::string("reloading the master, then upgrading, ") + to_string(mode);
    return reload_for({.upgrade = mode, .groups = names_of(groups)},
                      who.spoken.begun(what.what, std::move(ours)), who);
}

reply upgrade_commands::reload(const audience& who) {
    return reload_for({}, who.spoken.begun(protocol::verb::reload, "reloading the master"), who);
}

reply upgrade_commands::reload_for(handoff::request asked, std::string answer,
                                   const audience& who) {
    if (master_.is_stopping()) return refusal("the master is stopping");
    if (who.id) asked.id = *who.id;
    asked.dialect = who.spoken.name();
    master_.reload_for(std::move(asked), who.id ? who.client.shared_from_this() : nullptr);
    return {.message = std::move(answer), .wait = who.id.has_value()};
}

reply upgrade_commands::reload_config(const audience& who) {
    return begin({who.client.shared_from_this(), who.id, &who.spoken, {}});
}

void upgrade_commands::reload_config_again(const handoff::request& what,
                                           std::shared_ptr<control_connection> client) {
    config_reload again{std::move(client), std::nullopt, &protocol::dialect_of(what.dialect), {}};
    if (again.client) again.id = what.id;
    config_reload asker{again.client, again.id, again.spoken, {}};
    answer(asker, begin(std::move(again)));
}

reply upgrade_commands::begin(config_reload what) {
    if (master_.is_stopping()) return refusal("the master is stopping");
    auto groups = master_.read_file_again();
    if (!groups) return refusal(groups.error());
    what.groups = std::move(*groups);
    auto left = what.names.add_local(
        reconfiguration::queries_of(master_.groups(), what.groups, master_.around()));
    if (left.empty() && config_reloads_.empty()) return carry_out(what);
    bool waits = what.id.has_value();
    if (waits) what.hold = what.client->hold_open();
    config_reloads_.push_back(std::move(what));
    if (config_reloads_.size() == 1) look_up_first();
    return {.message = waits ? "looking up names" : "looking up names; the log tells the outcome",
            .wait = waits};
}

/// What else may have to be looked up because the groups have changed meanwhile is looked up as
/// well.
void upgrade_commands::look_up_first() {
    while (!config_reloads_.empty()) {
        config_reload& first = config_reloads_.front();
        auto left = first.names.add_local(
            reconfiguration::queries_of(master_.groups(), first.groups, master_.around()));
        auto begun = master_.around().look_ups->run(
            [names = first.names, left = std::move(left)]() mutable {
                names.add(left);
                return std::move(names);
            },
            [this](os::result<os::look_ups> names) { finish_first(std::move(names)); });
        if (begun) {
            first.look_up = std::move(*begun);
            return;
        }
        answer(first, refusal("names cannot be looked up: " + begun.error().message()));
        config_reloads_.pop_front();
    }
}

void upgrade_commands::finish_first(os::result<os::look_ups> names) {
    config_reload& first = config_reloads_.front();
    if (names) first.names = std::move(*names);
    auto wanted = reconfiguration::queries_of(master_.groups(), first.groups, master_.around());
    bool is_complete = !names || first.names.add_local(wanted).empty();
    if (is_complete) {
        config_reload done = std::move(first);
        config_reloads_.pop_front();
        auto failed = attempt(
            "", [&] { answer(done, names ? carry_out(done) : refusal(names.error().message())); });
        if (failed) answer(done, refusal(*failed));
    }
    look_up_first();
}

reply upgrade_commands::carry_out(config_reload& what) {
    auto done = reconfiguration::prepare(master_.groups(), what.groups, master_.around(),
                                         std::move(what.names));
    if (!done) return refusal(done.error());
    reply answer{.message = in_words(*done)};
    group_selection upgrading = master_.carry_out(*done);
    answer.wait = what.id && !upgrading.empty();
    if (answer.wait)
        add_watch(what.client, first_watch(*what.id, *what.spoken, names_of(upgrading)), upgrading);
    for (group_runner* runner : upgrading)
        runner->request_upgrade({core::upgrade_mode::rolling, {}});
    return answer;
}

void upgrade_commands::answer(const config_reload& to, const reply& what) {
    if (to.client && to.id) return tell({*to.client, to.id, *to.spoken}, what);
    auto level = what.ok ? core::severity::info : core::severity::error;
    log(level, "", "the file was read again: " + what.message);
}

void upgrade_commands::cancel_config_reloads(const std::string& why) {
    for (const config_reload& each : std::exchange(config_reloads_, {}))
        answer(each, refusal(why));
}

void upgrade_commands::upgrade_after_reload(const handoff::request& what,
                                            const group_selection& groups,
                                            std::shared_ptr<control_connection> client) {
    auto names = what.groups.empty() ? names_of(groups) : what.groups;
    bool is_for_all = what.groups.empty() && !client; // HUP says nothing of those that do not run
    if (client)
        add_watch(std::move(client),
                  first_watch(what.id, protocol::dialect_of(what.dialect), names), groups);
    for (group_runner* runner : is_for_all ? upgradable(groups) : groups)
        runner->request_upgrade({*what.upgrade, {}});
}

void upgrade_commands::tell_reloaded(const handoff::request& what,
                                     control_connection& client) const {
    reply answer{.message = std::string("reloaded: einhyrningsins ") + protocol::version};
    tell({client, what.id, protocol::dialect_of(what.dialect)}, answer);
}

void upgrade_commands::hand_over(handoff::state& into) const {
    watches_.hand_over(into.watches);
    for (const config_reload& each : config_reloads_) {
        handoff::request again{.reload_config = true};
        if (each.id && each.client->is_open()) {
            again.fd = each.client->descriptor();
            again.id = *each.id;
            again.dialect = each.spoken->name();
        }
        into.requests.push_back(std::move(again));
    }
}

void upgrade_commands::add_watch(std::shared_ptr<control_connection> client, handoff::watch from,
                                 const group_selection& groups) {
    watches_.add(upgrade_watch::begin(std::move(client), std::move(from), groups));
}

} // namespace einhyrningsins::master
