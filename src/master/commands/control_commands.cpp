// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/control_commands.hpp"

#include "master/commands/access.hpp"
#include "master/commands/reply_line.hpp"
#include "master/master.hpp"
#include "os/process.hpp"
#include "protocol/einhorn_wording.hpp"

namespace einhyrningsins::master {
namespace {

namespace einhorn = protocol::einhorn;
using protocol::dialect;
using protocol::refusal;
using protocol::reply;
using protocol::verb;

/// Where its parser may have needed some hundred times as much memory.
constexpr std::size_t long_yaml = 4096;

/// What workers say of themselves; einhorn answers nothing to it.
bool is_of_workers(verb what) { return what == verb::worker_ack || what == verb::worker_ping; }

bool is_upgrade(verb what) { return what == verb::upgrade || what == verb::upgrade_fleet; }

} // namespace

control_commands::control_commands(master& everything)
    : master_(everything),
      permissions_(everything.groups()),
      groups_(everything),
      upgrades_(everything),
      einhorn_(everything),
      firestarter_(everything) {}

void control_commands::handle(control_connection& client, std::optional<std::string_view> line) {
    if (!line) return refuse_long_line(client);
    auto request = protocol::parse_request(*line, kind_of(client));
    bool is_json = request && request->form == dialect::json;
    if (!is_json && line->size() > long_yaml) os::return_free_memory();
    if (!request) return refuse_line(request.error(), client);
    switch (answer_dialect(request->form)) {
    case dialect::json: return handle_as_json(*request, client);
    case dialect::einhorn: return handle_as_einhorn(*request, client);
    case dialect::firestarter: return handle_as_firestarter(*request, client);
    }
}

protocol::socket_kind control_commands::kind_of(const control_connection& client) const {
    using enum protocol::socket_kind;
    if (!client.group().empty()) return firestarter_group;
    auto traits = config::traits_of(master_.settings().master.personality);
    return traits.serves_firestarter ? firestarter_main : plain;
}

dialect control_commands::answer_dialect(dialect of_request) const {
    auto traits = config::traits_of(master_.settings().master.personality);
    bool einhorn = traits.replies_as_einhorn && of_request == dialect::json;
    return einhorn ? dialect::einhorn : of_request;
}

void control_commands::refuse_long_line(control_connection& client) const {
    reply why = refusal("error: a request has at most " + std::to_string(protocol::longest_line) +
                        " bytes with its newline");
    client.send(to_line(why, std::nullopt, answer_dialect(dialect::json)));
    client.close();
}

void control_commands::refuse_line(const protocol::request_error& why, control_connection& client) {
    dialect form = answer_dialect(why.form);
    if (form != dialect::einhorn) {
        client.send(reply_line(refusal("error: " + why.message), why.id, form));
        if (form == dialect::firestarter) client.close();
        return;
    }
    const protocol::command* known = protocol::find_command(why.command);
    if (known && is_of_workers(known->what)) {
        permissions_.log_refusal("ignored " + why.command + " of process " +
                                 std::to_string(client.who().pid) + ": " + why.message);
        return client.close();
    }
    client.send(to_line(refusal(einhorn::complaint(why)), why.id, form));
}

void control_commands::handle_as_json(const protocol::request& asked, control_connection& client) {
    auto what = protocol::parse_order(asked);
    if (!what) return client.send(to_line(refusal(what.error()), asked.id));
    if (what->group.empty()) what->group = client.group();
    reply answer = permissions_.may(what->what, client)
                       ? carry_out(*what, client, asked.id)
                       : permissions_.turn_away(asked.command, client);
    if (!asked.wants_data) answer.data.reset();
    client.send(to_line(answer, asked.id));
    if (what->what == verb::worker_ack) client.close();
}

reply control_commands::carry_out(const order& what, control_connection& client,
                                  const request_id& id) {
    if (is_of_workers(what.what)) return hear_worker(what, client);
    if (what.what == verb::die && !client.group().empty())
        return refusal("'die' ends the whole master: ask at " + master_.around().socket_path +
                       ", or stop this group with 'stop'");
    auto groups = select_named(what.group);
    if (groups.empty()) return refusal(no_such_group(master_.groups(), what.group));
    upgrade_commands::audience who{client, id};
    if (is_upgrade(what.what)) return upgrades_.upgrade(what, groups, who);
    if (what.what == verb::reload) return upgrades_.reload(who);
    if (what.what == verb::reload_config) return upgrades_.reload_config(who);
    return groups_.carry_out(what, groups);
}

void control_commands::handle_as_einhorn(const protocol::request& asked,
                                         control_connection& client) {
    const protocol::command* known = protocol::find_command(asked.command);
    if (known && is_of_workers(known->what)) return hear_worker_silently(asked, client);
    reply answer =
        known ? carry_out_as_einhorn(asked, client) : refusal(einhorn::unrecognized(asked.command));
    client.send(to_line(answer, asked.id, dialect::einhorn));
}

reply control_commands::carry_out_as_einhorn(const protocol::request& asked,
                                             control_connection& client) {
    verb meant = protocol::find_command(asked.command)->what;
    if (!permissions_.may(meant, client)) return permissions_.turn_away(asked.command, client);
    if (auto wrong = einhorn::complaint(meant, asked)) return refusal(*wrong);
    auto what = protocol::parse_order(asked);
    if (!what) return refusal(what.error());
    auto groups = select_named(what->group);
    if (groups.empty()) return refusal(no_such_group(master_.groups(), what->group));
    upgrade_commands::audience who{client, asked.id, dialect::einhorn};
    if (is_upgrade(meant)) return upgrades_.upgrade(*what, groups, who);
    if (meant == verb::reload) return upgrades_.reload(who);
    if (auto answer = einhorn_.carry_out(*what, asked, groups)) return *answer;
    return groups_.carry_out(*what, groups);
}

/// The connection is closed in case that the worker forgets to.
void control_commands::hear_worker_silently(const protocol::request& asked,
                                            control_connection& client) {
    auto what = protocol::parse_order(asked);
    reply answer = !what ? refusal(what.error())
                   : permissions_.may(what->what, client)
                       ? hear_worker(*what, client)
                       : permissions_.turn_away(asked.command, client);
    if (!answer.ok) permissions_.log_refusal("ignored " + asked.command + ": " + answer.message);
    client.close();
}

void control_commands::handle_as_firestarter(const protocol::request& asked,
                                             control_connection& client) {
    bool is_ack = asked.command == "worker:ack";
    bool allowed = permissions_.may(is_ack ? verb::worker_ack : verb::status, client);
    if (allowed && !is_ack) return firestarter_.carry_out(asked, client);
    order ack{.what = verb::worker_ack, .pid = asked.pid, .signal = asked.signal};
    reply answer =
        allowed ? hear_worker(ack, client) : permissions_.turn_away(asked.command, client);
    answer.message = answer.ok ? protocol::firestarter::acknowledged : "error: " + answer.message;
    client.send(reply_line(answer, asked.id, dialect::firestarter));
    client.close();
}

reply control_commands::hear_worker(const order& what, const control_connection& client) {
    found_worker own = worker_above(master_.groups(), client.who().pid);
    found_worker meant = what.pid ? worker_with(master_.groups(), what.pid) : own;
    if (!permissions_.may_speak_for(meant, own, client))
        return permissions_.turn_away_from_worker(what.pid, client);
    if (!meant)
        return refusal("no worker has pid " +
                       std::to_string(what.pid ? what.pid : client.who().pid));
    if (what.what == verb::worker_ack) {
        acknowledge(*meant.runner, meant.pid, what.signal);
        return {"Acknowledged!"};
    }
    meant.runner->notice(core::event::pinged{meant.pid, what.request_id});
    return {"pong"};
}

/// All groups if no name is given.
group_selection control_commands::select_named(const std::string& name) const {
    std::vector<std::string> names;
    if (!name.empty()) names.push_back(name);
    return select(master_.groups(), names);
}

void control_commands::upgrade_after_reload(const handoff::wish& what,
                                            std::shared_ptr<control_connection> client) {
    group_selection groups = select(master_.groups(), what.groups);
    if (what.firestarter && client && groups.size() == 1)
        return firestarter_.begin_upgrade(what, std::move(client), *groups[0]);
    upgrades_.upgrade_after_reload(what, groups, std::move(client));
}

void control_commands::hand_over(handoff::state& into) const {
    upgrades_.hand_over(into);
    firestarter_.hand_over(into);
}

void control_commands::take_over(const handoff::state& from, const client_map& clients) {
    upgrades_.take_over(from, clients);
    for (const handoff::group_watch& one : from.group_watches)
        if (auto* group = find_group(master_.groups(), one.group))
            firestarter_.take_over(one, clients.at(one.fd), *group);
}

} // namespace einhyrningsins::master
