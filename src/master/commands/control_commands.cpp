// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/control_commands.hpp"

#include "master/master.hpp"
#include "os/credentials.hpp"

namespace einhyrningsins::master {
namespace {

using protocol::dialect;
using protocol::refusal;
using protocol::reply;
using protocol::verb;

/// What workers say of themselves.
bool is_of_workers(verb what) { return what == verb::worker_ack || what == verb::worker_ping; }

} // namespace

control_commands::control_commands(boost::asio::io_context& context, master& everything)
    : master_(everything),
      permissions_(everything.groups(), everything.workers()),
      upgrades_(everything),
      memory_(context),
      ours_(everything, upgrades_, memory_),
      einhorn_(everything, upgrades_, memory_),
      firestarter_(everything, upgrades_),
      sets_{&ours_, &einhorn_, &firestarter_} {}

std::optional<caller> control_commands::admit(int socket, const handoff::connection& client) {
    return permissions_.admit(socket, client);
}

int control_commands::worker_to_hand_over(const caller& client) const {
    if (client.is_operator) return 0;
    return permissions_.worker_of(client) ? client.worker.pid : -1;
}

std::size_t control_commands::most_connections(uid_t user) const {
    return permissions_.most_connections(user);
}

void control_commands::delay_clients(core::duration length) {
    for (const auto& runner : master_.groups())
        runner->notice(core::event::unheard{length});
}

/// The place of a language in the array of command sets.
command_set& control_commands::commands_in(const dialect& spoken) {
    return *sets_.at(static_cast<std::size_t>(spoken.name()));
}

protocol::socket_kind control_commands::kind_of(const std::string& group) const {
    auto traits = config::traits_of(master_.settings().master.personality);
    return {.spoken = traits.dialect, .is_of_group = !group.empty()};
}

std::string control_commands::turn_away(const os::peer& peer, const std::string& group,
                                        const std::string& why) {
    permissions_.log_refusal(peer, "refused process " + std::to_string(peer.pid) + " of user " +
                                       std::to_string(peer.uid) + ": " + why);
    return protocol::dialect_at(kind_of(group)).rejection(why, os::own_process());
}

void control_commands::complain(const os::peer& peer, const std::string& text) {
    permissions_.log_refusal(peer, text);
}

void control_commands::handle(control_connection& client, std::optional<std::string_view> line) {
    auto where = kind_of(client.group());
    if (!line) return refuse_long_line(client, protocol::json_dialect_at(where));
    auto asked = protocol::parse_request(*line, where);
    if (asked) return handle(*asked, client);
    const protocol::request_error& why = asked.error();
    const dialect& spoken = protocol::dialect_of(why.dialect);
    conclude({client, why.id, spoken}, why.command, spoken.complaint(why));
}

void control_commands::refuse_long_line(control_connection& client, const dialect& spoken) const {
    tell({client, std::nullopt, spoken},
         refusal("error: a request has at most " + std::to_string(protocol::longest_line) +
                 " bytes with its newline"));
    client.close();
}

void control_commands::handle(const protocol::request& asked, control_connection& client) {
    audience who{client, asked.id, protocol::dialect_of(asked.dialect)};
    auto what = who.spoken.parse_order(asked);
    if (!what) return conclude(who, asked.command, refusal(what.error()));
    if (what->group.empty()) what->group = client.group();
    auto answer = permissions_.may(what->what, client.who())
                      ? carry_out(*what, asked, who)
                      : permissions_.turn_away(asked.command, client.who());
    if (!answer) return;
    if (!asked.wants_data) answer->data.reset();
    conclude(who, asked.command, *answer);
    if (what->what == verb::worker_ack) client.close();
}

/// Where a command has no answer, the connection is closed in case that the worker forgets to.
void control_commands::conclude(const audience& who, const std::string& command,
                                const reply& answer) {
    if (who.spoken.answers(command)) return tell(who, answer);
    const os::peer& peer = who.client.who().peer;
    if (!answer.ok)
        permissions_.log_refusal(peer, "ignored " + command + " of process " +
                                           std::to_string(peer.pid) + ": " + answer.message);
    who.client.close();
}

std::optional<reply> control_commands::carry_out(const order& what, const protocol::request& asked,
                                                 const audience& who) {
    if (is_of_workers(what.what)) return hear_worker(what, who);
    if (what.what == verb::die && !who.client.group().empty())
        return refusal("'die' ends the whole master: ask at " + master_.around().socket_path +
                       ", or stop this group with 'stop'");
    auto groups = select_named(master_.groups(), what.group);
    if (groups.empty()) return refusal(no_such_group(master_.groups(), what.group));
    return commands_in(who.spoken).carry_out(what, asked, groups, who);
}

reply control_commands::hear_worker(const order& what, const audience& from) {
    const caller& who = from.client.who();
    auto meant = what.pid ? permissions_.find(what.pid) : permissions_.worker_of(who);
    if (!who.is_operator && meant.worker != who.worker)
        return permissions_.turn_away_from_worker(what.pid, who);
    if (!meant)
        return refusal("no worker has pid " + std::to_string(what.pid ? what.pid : who.peer.pid));
    if (what.what == verb::worker_ack) {
        acknowledge(*meant.runner, meant.worker.pid, what.signal);
        return from.spoken.acknowledgement();
    }
    meant.runner->notice(
        core::event::pinged{meant.runner->group().id_of(meant.worker.pid), what.request_id});
    return {"pong"};
}

void control_commands::upgrade_after_reload(const handoff::request& what,
                                            std::shared_ptr<control_connection> client) {
    commands_in(protocol::dialect_of(what.dialect))
        .upgrade_after_reload(what, select(master_.groups(), what.groups), std::move(client));
}

void control_commands::hand_over(handoff::state& into) const {
    upgrades_.hand_over(into);
    firestarter_.hand_over(into);
}

void control_commands::add_watches(const handoff::state& from, const client_map& clients) {
    for (const handoff::watch& one : from.watches)
        if (auto client = clients.find(one.fd); client != clients.end())
            upgrades_.add_watch(client->second, one, select(master_.groups(), one.groups));
    for (const handoff::group_watch& one : from.group_watches) {
        auto* group = find_group(master_.groups(), one.group);
        auto client = clients.find(one.fd);
        if (group && client != clients.end()) firestarter_.add_watch(client->second, one, *group);
    }
}

} // namespace einhyrningsins::master
