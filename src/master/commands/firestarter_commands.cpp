// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/firestarter_commands.hpp"

#include "master/commands/group_changes.hpp"
#include "master/master.hpp"
#include "master/view.hpp"
#include "protocol/commands.hpp"
#include "protocol/json_text.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <csignal>

namespace einhyrningsins::master {
namespace {

namespace firestarter = protocol::firestarter;
namespace json = boost::json;
using protocol::refusal;
using protocol::reply;
using protocol::verb;

reply status_of(const group_view& group) {
    core::duration uptime{};
    if (group.running_since) uptime = core::time_point::clock::now() - *group.running_since;
    return {firestarter::status(group.settings.name, processes(group), uptime)};
}

/// What a stop is begun with: firestarter's SIGTERM, or, if the group has a command for that, the
/// signal for which it is run.
int stop_signal_of(const group_runner& group) {
    const core::policy& wishes = group.group().wishes();
    return wishes.stop_command ? wishes.stop_signal : SIGTERM;
}

/// As the core has it: nothing for 0.
std::optional<int> signal_if_any(int signal) {
    return signal == 0 ? std::nullopt : std::optional(signal);
}

} // namespace

void acknowledge(group_runner& group, core::process_id worker, int signal) {
    group.notice(core::event::acked{group.group().id_of(worker), signal_if_any(signal)});
}

std::optional<reply> firestarter_commands::carry_out(const protocol::order& what,
                                                     const protocol::request& asked,
                                                     const group_selection& groups,
                                                     const audience& who) {
    if (auto one = firestarter::find_command(asked.command))
        return control(*one, asked, who.client, *groups.front());
    switch (what.what) {
    case verb::list: list(groups, who.client); break;
    case verb::status: status(groups, who.client); break;
    default: stop_all(who.client);
    }
    return std::nullopt;
}

void firestarter_commands::list(const group_selection& groups, control_connection& client) const {
    std::vector<std::string> names;
    for (const group_runner* runner : groups)
        names.push_back(runner->settings().name);
    client.send(protocol::json_text(firestarter::name_list(names, master_.around().master_pid)) +
                "\n");
    client.close();
}

void firestarter_commands::tell_each(control_connection& client, const std::vector<reply>& answers,
                                     const char* name) const {
    json::array all;
    for (const reply& one : answers)
        all.push_back(firestarter::entry(one, json::value(name), master_.around().master_pid));
    client.send(protocol::json_text(all) + "\n");
}

void firestarter_commands::status(const group_selection& groups, control_connection& client) const {
    std::vector<reply> answers;
    for (const group_runner* runner : groups)
        answers.push_back(status_of(take_view(*runner)));
    tell_each(client, answers, "worker:status");
    client.close();
}

void firestarter_commands::stop_all(control_connection& client) {
    std::vector<reply> answers;
    for (const auto& runner : master_.groups())
        answers.push_back(
            {firestarter::signalled(stop_signal_of(*runner), runner->group().processes())});
    tell_each(client, answers, "worker:stop");
    master_.stop_by(
        [](const group_runner& group) { return core::event::stop{stop_signal_of(group)}; });
}

firestarter_commands::answer firestarter_commands::control(const command& what,
                                                           const protocol::request& asked,
                                                           control_connection& client,
                                                           group_runner& group) {
    if (what.what == verb::status) return status_of(take_view(group));
    if (master_.is_stopping()) return refusal("the master is stopping");
    if (group.is_retired() && what.what != verb::stop && what.what != verb::killall)
        return refusal(std::string("the group is ") + being_removed);
    switch (what.what) {
    case verb::start: return start(what, client, group);
    case verb::restart: return restart(what, asked.signal, client, group);
    case verb::inc: return increase(what, client, group);
    case verb::dec: return decrease(asked.signal, group);
    case verb::upgrade: return upgrade(what, asked.signal, client, group);
    case verb::killall: return kill(group);
    default: return stop(asked.signal, group);
    }
}

firestarter_commands::answer
firestarter_commands::start(const command& what, control_connection& client, group_runner& group) {
    if (group.group().phase() == core::group_phase::running) return reply{firestarter::started({})};
    auto opened = open_to_start(group);
    if (!opened) return refusal(opened.error());
    if (!*opened) return reply{starts_later};
    add_watch(client.shared_from_this(), first_watch(what, group), group);
    group.notice(core::event::start{});
    return std::nullopt;
}

firestarter_commands::answer firestarter_commands::restart(const command& what, int signal,
                                                           control_connection& client,
                                                           group_runner& group) {
    auto opened = open_to_start(group);
    if (!opened) return refusal(opened.error());
    if (!*opened) return reply{starts_later};
    add_watch(client.shared_from_this(), first_watch(what, group), group);
    group.notice(core::event::restart{signal ? signal : stop_signal_of(group)});
    return std::nullopt;
}

firestarter_commands::answer firestarter_commands::increase(const command& what,
                                                            control_connection& client,
                                                            group_runner& group) {
    unsigned number = worker_number(group);
    if (number >= config::most_workers)
        return refusal("a group has at most " + std::to_string(config::most_workers) + " workers");
    bool starts_one = group.group().phase() == core::group_phase::running;
    if (starts_one) add_watch(client.shared_from_this(), first_watch(what, group), group);
    set_worker_number(group, number + 1);
    if (starts_one) return std::nullopt;
    return reply{firestarter::increased(0)};
}

firestarter_commands::answer firestarter_commands::upgrade(const command& what, int signal,
                                                           control_connection& client,
                                                           group_runner& group) {
    if (auto why = why_not_upgradable(group.group()); !why.empty())
        return refusal(group.settings().name + " is " + why);
    handoff::request asked{.id = json::value(what.name),
                           .dialect = config::dialect_name::firestarter,
                           .signal = signal,
                           .upgrade = core::upgrade_mode::rolling,
                           .groups = {group.settings().name}};
    if (master_.reloads_before_upgrades())
        master_.reload_for(std::move(asked), client.shared_from_this());
    else
        begin_upgrade(asked, client.shared_from_this(), group);
    return std::nullopt;
}

void firestarter_commands::upgrade_after_reload(const handoff::request& what,
                                                const group_selection& groups,
                                                std::shared_ptr<control_connection> client) {
    bool is_for_all = what.groups.empty(); // by a HUP
    if (groups.size() == 1 && !is_for_all)
        return begin_upgrade(what, std::move(client), *groups.front());
    upgrades_.upgrade_after_reload(what, groups, std::move(client));
}

void firestarter_commands::begin_upgrade(const handoff::request& what,
                                         std::shared_ptr<control_connection> client,
                                         group_runner& group) {
    if (client)
        add_watch(std::move(client),
                  first_watch(*firestarter::find_command("worker:upgrade"), group), group);
    group.request_upgrade({*what.upgrade, signal_if_any(what.signal)});
}

protocol::reply firestarter_commands::stop(int signal, group_runner& group) const {
    int used = signal ? signal : stop_signal_of(group);
    reply told{firestarter::signalled(used, group.group().processes())};
    group.notice(core::event::stop{used});
    return told;
}

/// The one that goes is chosen at once, so that its number can be told.
protocol::reply firestarter_commands::decrease(int signal, group_runner& group) const {
    unsigned number = worker_number(group);
    if (number <= 1) return {firestarter::decreased(0)};
    firestarter::process_list before = group.group().active_processes();
    group.resize(number - 1, signal ? signal : SIGTERM);
    group.settle();
    firestarter::process_list after = group.group().active_processes();
    auto gone = std::ranges::find_if(
        before, [&](core::process_id pid) { return std::ranges::find(after, pid) == after.end(); });
    return {firestarter::decreased(gone == before.end() ? 0 : *gone)};
}

protocol::reply firestarter_commands::kill(group_runner& group) const {
    reply told{firestarter::killed(group.group().processes())};
    group.notice(core::event::forward{SIGKILL});
    return told;
}

void firestarter_commands::hand_over(handoff::state& into) const {
    watches_.hand_over(into.group_watches);
}

void firestarter_commands::add_watch(std::shared_ptr<control_connection> client,
                                     handoff::group_watch from, group_runner& group) {
    watches_.add(firestarter_watch::begin(std::move(client), std::move(from), group));
}

} // namespace einhyrningsins::master
