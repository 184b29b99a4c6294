// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/firestarter_commands.hpp"

#include "master/commands/group_changes.hpp"
#include "master/commands/reply_line.hpp"
#include "master/commands/status.hpp"
#include "master/master.hpp"
#include "protocol/commands.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <csignal>

namespace einhyrningsins::master {
namespace {

namespace firestarter = protocol::firestarter;
namespace json = boost::json;
using firestarter::verb;
using protocol::reply;

reply refuse(const std::string& why) { return protocol::refusal("error: " + why); }

reply status_of(const group_runner& group) {
    core::duration uptime{};
    if (auto since = group.running_since()) uptime = core::time_point::clock::now() - *since;
    return {firestarter::status(group.settings().name, group.group().processes(), uptime)};
}

/// What a stop is begun with: firestarter's SIGTERM, or, if the group has a command for that, the
/// signal for which it is run.
int stop_signal_of(const group_runner& group) {
    const core::policy& wishes = group.group().wishes();
    return wishes.stop_command ? wishes.stop_signal : SIGTERM;
}

/// Does `deed` while the group's workers are told to go by `signal`.
template <class Deed>
void with_stop_signal(group_runner& group, int signal, Deed deed) {
    int usual = change_stop_signal(group, signal);
    deed();
    change_stop_signal(group, usual);
}

} // namespace

void acknowledge(group_runner& group, core::process_id worker, int signal) {
    if (signal == 0 || !group.group().upgrade()) return group.notice(core::event::acked{worker});
    with_stop_signal(group, signal, [&] {
        group.notice(core::event::acked{worker});
        group.settle();
    });
}

void firestarter_commands::carry_out(const protocol::request& asked, control_connection& client) {
    if (asked.command == "list") return list(client);
    if (asked.command == "status") return status(client);
    if (asked.command == "stop") return stop_all(client);
    group_runner* group = find(asked, client);
    auto what = firestarter::find_command(asked.command);
    answer now = refuse(no_such_group(master_.groups(), asked.group));
    if (group && what) now = control(*what, asked, client, *group);
    if (!now) return;
    client.send(reply_line(*now, asked.id, protocol::dialect::firestarter));
    client.close();
}

/// A group is named, or it is the one whose socket this is.
group_runner* firestarter_commands::find(const protocol::request& asked,
                                         const control_connection& client) const {
    return find_group(master_.groups(), asked.group.empty() ? client.group() : asked.group);
}

void firestarter_commands::list(control_connection& client) const {
    std::vector<std::string> names;
    for (const auto& runner : master_.groups())
        names.push_back(runner->settings().name);
    client.send(json::serialize(firestarter::name_list(names, master_.around().master_pid)) + "\n");
    client.close();
}

void firestarter_commands::tell_each(control_connection& client, const std::vector<reply>& answers,
                                     const char* name) const {
    json::array all;
    for (const reply& one : answers)
        all.push_back(firestarter::entry(one, json::value(name), master_.around().master_pid));
    client.send(json::serialize(all) + "\n");
}

void firestarter_commands::status(control_connection& client) const {
    std::vector<reply> answers;
    for (const auto& runner : master_.groups())
        answers.push_back(status_of(*runner));
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
    if (what.what == verb::status) return status_of(group);
    if (master_.is_stopping()) return refuse("the master is stopping");
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
    if (auto trouble = group.open()) return refuse(*trouble);
    watches_.add(firestarter_watch::begin(client.shared_from_this(), what, group));
    group.notice(core::event::start{});
    return std::nullopt;
}

firestarter_commands::answer firestarter_commands::restart(const command& what, int signal,
                                                           control_connection& client,
                                                           group_runner& group) {
    if (auto trouble = group.open()) return refuse(*trouble);
    watches_.add(firestarter_watch::begin(client.shared_from_this(), what, group));
    with_stop_signal(group, signal ? signal : stop_signal_of(group),
                     [&] { group.notice(core::event::restart{}); });
    return std::nullopt;
}

firestarter_commands::answer firestarter_commands::increase(const command& what,
                                                            control_connection& client,
                                                            group_runner& group) {
    unsigned number = worker_number(group);
    if (number >= config::most_workers)
        return refuse("a group has at most " + std::to_string(config::most_workers) + " workers");
    bool starts_one = group.group().phase() == core::group_phase::running;
    if (starts_one) watches_.add(firestarter_watch::begin(client.shared_from_this(), what, group));
    set_worker_number(group, number + 1);
    if (starts_one) return std::nullopt;
    return reply{firestarter::increased(0)};
}

firestarter_commands::answer firestarter_commands::upgrade(const command& what, int signal,
                                                           control_connection& client,
                                                           group_runner& group) {
    if (auto why = why_not_upgradable(group.group()); !why.empty())
        return refuse(group.settings().name + " is " + why);
    handoff::wish wish{.id = json::value(what.name),
                       .firestarter = true,
                       .signal = signal,
                       .upgrade = core::upgrade_mode::rolling,
                       .groups = {group.settings().name}};
    if (master_.reloads_before_upgrades())
        master_.reload_for(std::move(wish), client.shared_from_this());
    else
        begin_upgrade(wish, client.shared_from_this(), group);
    return std::nullopt;
}

void firestarter_commands::begin_upgrade(const handoff::wish& what,
                                         std::shared_ptr<control_connection> client,
                                         group_runner& group) {
    int usual = what.signal ? change_stop_signal(group, what.signal) : 0;
    watches_.add(firestarter_watch::begin(
        std::move(client), *firestarter::find_command("worker:upgrade"), group, usual));
    group.request_upgrade(*what.upgrade);
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
    with_stop_signal(group, signal ? signal : SIGTERM, [&] {
        set_worker_number(group, number - 1);
        group.settle();
    });
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

void firestarter_commands::take_over(const handoff::group_watch& from,
                                     std::shared_ptr<control_connection> client,
                                     group_runner& group) {
    if (auto again = firestarter_watch::take_over(from, std::move(client), group))
        watches_.add(std::move(again));
}

} // namespace einhyrningsins::master
