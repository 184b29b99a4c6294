// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/control_commands.hpp"

#include "core/signal_name.hpp"
#include "master/access.hpp"
#include "master/group_changes.hpp"
#include "master/logging.hpp"
#include "master/master.hpp"
#include "master/reply_line.hpp"
#include "master/status.hpp"
#include "master/upgrade_watch.hpp"
#include "os/process.hpp"
#include "protocol/einhorn_wording.hpp"
#include "protocol/status_table.hpp"
#include "protocol/version.hpp"

#include <boost/json/array.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

namespace einhyrningsins::master {
namespace {

namespace json = boost::json;
using core::severity;
using protocol::dialect;
using protocol::reply;
using protocol::verb;

/// Where its parser may have needed some hundred times as much memory.
constexpr std::size_t long_yaml = 4096;
/// In ten seconds.
constexpr unsigned refusals_logged = 20;

reply refuse(std::string why) { return {.message = std::move(why), .ok = false}; }

std::string count_of(std::size_t count, const char* noun) {
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::size_t processes(const group_runner& runner) {
    return static_cast<std::size_t>(std::ranges::count_if(
        runner.group().workers(), [](const core::worker& who) { return who.pid != 0; }));
}

core::upgrade_mode mode_of(const protocol::order& what) {
    return what.what == verb::upgrade ? core::upgrade_mode::rolling : core::upgrade_mode::fleet;
}

/// Why a group cannot be upgraded; empty: it can.
std::string why_not_upgradable(const group_runner& runner) {
    if (runner.group().can_upgrade()) return {};
    return std::string(state_name(runner.group())) + "; 'start' begins it again";
}

/// What came of a deed to one group.
struct outcome {
    std::string text;
    bool ok = true;
};

/// Does `deed` to each group, and says for each what came of it.
template <class Deed>
reply for_each(const std::vector<group_runner*>& groups, Deed deed) {
    reply all;
    for (group_runner* runner : groups) {
        outcome one = deed(*runner);
        if (!all.message.empty()) all.message += "\n";
        all.message += runner->settings().name + ": " + one.text;
        all.ok = all.ok && one.ok;
    }
    return all;
}

/// What becomes of the groups, a line each, but for those that stay as they are.
std::string tell(const reconfiguration& what) {
    std::string text;
    std::size_t unchanged = 0;
    for (const reconfiguration::step& one : what.steps())
        if (one.what == reconfiguration::fate::unchanged)
            ++unchanged;
        else
            text += one.name + ": " + to_string(one.what) + "\n";
    return text + (text.empty() ? "nothing is new" : count_of(unchanged, "group") + " unchanged");
}

/// einhorn answers nothing to these.
bool is_unanswered(verb what) { return what == verb::worker_ack || what == verb::worker_ping; }

} // namespace

void control_commands::handle(control_connection& client, std::optional<std::string_view> line) {
    if (!line) return refuse_long_line(client);
    auto request = protocol::parse_request(*line, kind_of(client));
    bool is_json = request && request->form == dialect::json;
    if (!is_json && line->size() > long_yaml) os::return_free_memory();
    if (!request) return refuse_line(request.error(), client);
    if (request->form == dialect::firestarter) return handle_as_firestarter(*request, client);
    if (speaks_einhorn(request->form)) return handle_as_einhorn(*request, client);
    auto what = protocol::parse_order(*request);
    if (!what) return client.send(to_line(refuse(what.error()), request->id));
    if (what->group.empty()) what->group = client.group();
    reply answer = carry_out(*what, client, request->id);
    client.send(to_line(answer, request->id));
    if (what->what == verb::worker_ack) client.close();
}

protocol::socket_kind control_commands::kind_of(const control_connection& client) const {
    using enum protocol::socket_kind;
    if (!client.group().empty()) return firestarter_group;
    bool main = master_.settings().master.personality == config::personality::firestarter;
    return main ? firestarter_main : plain;
}

void control_commands::handle_as_firestarter(const protocol::request& asked,
                                             control_connection& client) {
    bool is_ack = asked.command == "worker:ack";
    bool allowed = may(is_ack ? verb::worker_ack : verb::status, client);
    if (allowed && !is_ack) return firestarter_.carry_out(asked, client);
    order ack{.what = verb::worker_ack, .pid = asked.pid, .signal = asked.signal};
    reply answer = allowed ? on_worker(ack, client) : turn_away(client);
    answer.message = answer.ok ? protocol::firestarter::acknowledged : "error: " + answer.message;
    client.send(reply_line(answer, asked.id, dialect::firestarter));
    client.close();
}

/// einhorn's clients also write JSON, and understand nothing but einhorn's replies.
bool control_commands::speaks_einhorn(dialect form) const {
    return form == dialect::einhorn ||
           master_.settings().master.personality == config::personality::einhorn;
}

void control_commands::refuse_long_line(control_connection& client) const {
    reply why = refuse("error: a request has at most " + std::to_string(protocol::longest_line) +
                       " bytes with its newline");
    bool einhorn = speaks_einhorn(dialect::json);
    client.send(to_line(why, std::nullopt, protocol::dialect_for(einhorn)));
    client.close();
}

void control_commands::refuse_line(const protocol::request_error& why, control_connection& client) {
    if (why.form == dialect::firestarter) {
        client.send(reply_line(refuse("error: " + why.message), why.id, why.form));
        return client.close();
    }
    if (!speaks_einhorn(why.form))
        return client.send(to_line(refuse("error: " + why.message), why.id));
    const protocol::command* known = protocol::find_command(why.command);
    if (known && is_unanswered(known->what)) {
        log_refusal("ignored " + why.command + " of process " + std::to_string(client.who().pid) +
                    ": " + why.message);
        return client.close();
    }
    client.send(to_line(refuse(protocol::einhorn::complaint(why)), why.id, dialect::einhorn));
}

void control_commands::handle_as_einhorn(const protocol::request& asked,
                                         control_connection& client) {
    const protocol::command* known = protocol::find_command(asked.command);
    if (known && is_unanswered(known->what)) return hear_worker_silently(asked, client);
    reply answer = known ? carry_out_as_einhorn(asked, client)
                         : refuse(protocol::einhorn::unrecognized(asked.command));
    client.send(to_line(answer, asked.id, dialect::einhorn));
}

control_commands::reply control_commands::carry_out_as_einhorn(const protocol::request& asked,
                                                               control_connection& client) {
    verb meant = protocol::find_command(asked.command)->what;
    if (!may(meant, client)) return turn_away(client);
    if (auto wrong = protocol::einhorn::complaint(meant, asked)) return refuse(*wrong);
    auto what = protocol::parse_order(asked);
    if (!what) return refuse(what.error());
    auto groups = select(what->group);
    if (!groups) return turn_away_from(what->group);
    if (meant == verb::upgrade || meant == verb::upgrade_fleet)
        return upgrade(*what, client, asked.id, *groups, dialect::einhorn);
    if (meant == verb::reload)
        return reload({}, client, asked.id, dialect::einhorn, protocol::einhorn::reloading);
    if (auto answer = einhorn_.carry_out(*what, asked, *groups)) return *answer;
    return on_groups(*what, *groups);
}

/// The connection is closed in case that the worker forgets to.
void control_commands::hear_worker_silently(const protocol::request& asked,
                                            control_connection& client) {
    auto what = protocol::parse_order(asked);
    reply answer = !what                     ? refuse(what.error())
                   : may(what->what, client) ? on_worker(*what, client)
                                             : turn_away(client);
    if (!answer.ok) log_refusal("ignored " + asked.command + ": " + answer.message);
    client.close();
}

control_commands::reply control_commands::carry_out(const order& what, control_connection& client,
                                                    const request_id& id) {
    if (!may(what.what, client)) return turn_away(client);
    if (what.what == verb::worker_ack || what.what == verb::worker_ping)
        return on_worker(what, client);
    if (what.what == verb::die && !client.group().empty())
        return refuse("'die' ends the whole master: ask at " + master_.around().socket_path +
                      ", or stop this group with 'stop'");
    auto groups = select(what.group);
    if (!groups) return turn_away_from(what.group);
    if (what.what == verb::upgrade || what.what == verb::upgrade_fleet)
        return upgrade(what, client, id, *groups);
    if (what.what == verb::reload)
        return reload({}, client, id, dialect::json, "reloading the master");
    if (what.what == verb::reload_config) return reload_config(client, id);
    return on_groups(what, *groups);
}

bool control_commands::may(verb what, const control_connection& client) const {
    if (is_operator(client.who(), operators_)) return true;
    return protocol::is_for_workers(what) && worker_above(master_.groups(), client.who().pid);
}

control_commands::reply control_commands::turn_away_from(const std::string& group) const {
    return refuse("no group is called '" + group.substr(0, 64) + "'; 'list' shows the names");
}

control_commands::reply control_commands::turn_away(control_connection& client) {
    const os::peer& who = client.who();
    log_refusal("refused a request of process " + std::to_string(who.pid) + " of user " +
                std::to_string(who.uid) + ", who is neither operator nor worker");
    return refuse("permission denied: only root, the master's user and --socket-group may do that");
}

/// Somebody who tries it again and again must not fill the log.
void control_commands::log_refusal(const std::string& text) {
    auto now = core::time_point::clock::now();
    if (now - refusals_since_ > std::chrono::seconds(10)) {
        refusals_since_ = now;
        refusals_ = 0;
    }
    if (++refusals_ <= refusals_logged) log(severity::warning, "", text);
    if (refusals_ == refusals_logged)
        log(severity::warning, "", "further refusals are not logged for some seconds");
}

control_commands::reply control_commands::on_worker(const order& what,
                                                    const control_connection& client) {
    bool trusted = is_operator(client.who(), operators_);
    found_worker own = worker_above(master_.groups(), client.who().pid);
    found_worker meant = what.pid ? worker_with(master_.groups(), what.pid) : own;
    if (!trusted && meant.pid != own.pid) {
        log_refusal("refused process " + std::to_string(client.who().pid) + " of user " +
                    std::to_string(client.who().uid) + ", which spoke for worker " +
                    std::to_string(what.pid));
        return refuse("permission denied: a worker speaks for itself only");
    }
    if (!meant)
        return refuse("no worker has pid " +
                      std::to_string(what.pid ? what.pid : client.who().pid));
    if (what.what == verb::worker_ack) {
        acknowledge(*meant.runner, meant.pid, what.signal);
        return {"Acknowledged!"};
    }
    meant.runner->notice(core::event::pinged{meant.pid, what.request_id});
    return {"pong"};
}

control_commands::reply control_commands::on_groups(const order& what,
                                                    const group_selection& groups) {
    switch (what.what) {
    case verb::ehlo: return {"Hi there!"};
    case verb::help: return {protocol::help_text()};
    case verb::version: return {std::string("einhyrningsins ") + protocol::version};
    case verb::status: return status(groups);
    case verb::state: return state(groups);
    case verb::list: return list(groups);
    case verb::inc:
    case verb::dec:
    case verb::set_workers: return resize(what, groups);
    case verb::start: return start(groups);
    case verb::stop:
    case verb::restart: return stop(what, groups);
    case verb::killall: return forward({SIGKILL}, groups);
    case verb::signal: return forward(what.signals, groups);
    case verb::die: return die(what);
    case verb::config: return change(what, groups);
    case verb::louder: return change_level(-1);
    case verb::quieter: return change_level(+1);
    case verb::upgrade:
    case verb::upgrade_fleet:
    case verb::reload:
    case verb::reload_config:
    case verb::worker_ack:
    case verb::worker_ping: break;
    }
    std::abort();
}

control_commands::reply control_commands::upgrade(const order& what, control_connection& client,
                                                  const request_id& id,
                                                  const group_selection& groups, dialect form) {
    if (master_.is_stopping()) return refuse("the master is stopping");
    group_selection able;
    std::ranges::copy_if(groups, std::back_inserter(able), [](const group_runner* runner) {
        return why_not_upgradable(*runner).empty();
    });
    if (able.empty())
        return refuse(groups[0]->settings().name + " is " + why_not_upgradable(*groups[0]));
    if (master_.reloads_before_upgrades())
        return reload_before_upgrade(what, client, id, able, form);
    auto mode = mode_of(what);
    if (id) watch(upgrade_watch::begin(client.shared_from_this(), *id, form, able));
    reply answer = for_each(groups, [&](group_runner& runner) -> outcome {
        if (auto why = why_not_upgradable(runner); !why.empty()) return {"left alone: " + why};
        runner.request_upgrade(mode);
        return {std::string(runner.has_upgrader() ? "running the upgrader, then " : "") +
                "upgrading " + count_of(runner.group().wishes().number, "worker") + ", " +
                to_string(mode)};
    });
    if (form == dialect::einhorn) answer.message = protocol::einhorn::upgrading(what.what);
    answer.wait = id.has_value();
    return answer;
}

control_commands::reply control_commands::reload_before_upgrade(const order& what,
                                                                control_connection& client,
                                                                const request_id& id,
                                                                const group_selection& groups,
                                                                dialect form) {
    handoff::wish wish{.upgrade = mode_of(what)};
    for (const group_runner* runner : groups)
        wish.groups.push_back(runner->settings().name);
    std::string ours =
        std::string("reloading the master, then upgrading, ") + to_string(mode_of(what));
    return reload(std::move(wish), client, id, form,
                  form == dialect::einhorn ? protocol::einhorn::upgrading(what.what) : ours);
}

control_commands::reply control_commands::reload(handoff::wish wish, control_connection& client,
                                                 const request_id& id, dialect form,
                                                 std::string answer) {
    if (master_.is_stopping()) return refuse("the master is stopping");
    if (id) wish.id = *id;
    wish.einhorn = form == dialect::einhorn;
    master_.reload_for(std::move(wish), id ? client.shared_from_this() : nullptr);
    return {.message = std::move(answer), .wait = id.has_value()};
}

control_commands::reply control_commands::reload_config(control_connection& client,
                                                        const request_id& id) {
    if (master_.is_stopping()) return refuse("the master is stopping");
    auto done = master_.read_file_again();
    if (!done) return refuse(done.error());
    reply answer{.message = tell(*done)};
    group_selection upgrading = master_.carry_out(*done);
    answer.wait = id && !upgrading.empty();
    if (answer.wait)
        watch(upgrade_watch::begin(client.shared_from_this(), *id, dialect::json, upgrading));
    for (group_runner* runner : upgrading)
        runner->request_upgrade(core::upgrade_mode::rolling);
    return answer;
}

void control_commands::upgrade_after_reload(const handoff::wish& what,
                                            std::shared_ptr<control_connection> client) {
    group_selection groups = select(what.groups);
    if (what.firestarter && client && groups.size() == 1)
        return firestarter_.begin_upgrade(what, std::move(client), *groups[0]);
    dialect form = protocol::dialect_for(what.einhorn);
    if (client) watch(upgrade_watch::begin(std::move(client), what.id, form, groups));
    for (group_runner* runner : groups)
        runner->request_upgrade(*what.upgrade);
}

void control_commands::tell_reloaded(const handoff::wish& what, control_connection& client) {
    reply answer{.message = std::string("reloaded: einhyrningsins ") + protocol::version};
    dialect form = protocol::dialect_for(what.einhorn);
    client.send(protocol::to_line(answer, what.id, form));
}

void control_commands::watch(std::shared_ptr<upgrade_watch> fresh) {
    std::erase_if(watches_, [](const auto& one) { return one.expired(); });
    watches_.push_back(std::move(fresh));
}

void control_commands::hand_over(handoff::state& into) const {
    for (const auto& one : watches_)
        if (auto watch = one.lock())
            if (auto state = watch->hand_over()) into.watches.push_back(std::move(*state));
    firestarter_.hand_over(into);
}

void control_commands::take_over(const handoff::state& from, const client_map& clients) {
    for (const handoff::watch& one : from.watches)
        watch(upgrade_watch::take_over(one, clients.at(one.fd), select(one.groups)));
    for (const handoff::group_watch& one : from.group_watches)
        if (auto groups = select(std::vector{one.group}); groups.size() == 1)
            firestarter_.take_over(one, clients.at(one.fd), *groups[0]);
}

control_commands::reply control_commands::status(const group_selection& groups) const {
    json::value data = describe(groups, group_status);
    return {.message = protocol::status_table(data, false), .data = std::move(data)};
}

control_commands::reply control_commands::state(const group_selection& groups) const {
    json::value data = describe(groups, group_state);
    return {.message = json::serialize(data), .data = std::move(data)};
}

/// A large group takes a lot of memory for a moment: it comes in large blocks, which go back to the
/// system.
json::value control_commands::describe(const group_selection& groups,
                                       decltype(group_status) describe_group) const {
    auto memory = json::make_shared_resource<json::monotonic_resource>();
    auto now = core::time_point::clock::now();
    json::array entries(memory);
    for (const group_runner* runner : groups)
        entries.push_back(describe_group(*runner, now, memory));
    return json::object({{"master", master_status(master_, now)}, {"groups", std::move(entries)}},
                        memory);
}

control_commands::reply control_commands::list(const group_selection& groups) const {
    reply names;
    json::array data;
    for (const group_runner* runner : groups) {
        names.message += (names.message.empty() ? "" : "\n") + runner->settings().name;
        data.emplace_back(runner->settings().name);
    }
    names.data = std::move(data);
    return names;
}

control_commands::reply control_commands::resize(const order& what, const group_selection& groups) {
    for (const group_runner* runner : groups)
        if (unsigned wanted = wanted_number(what, *runner); wanted < 1 || wanted > most_workers)
            return refuse(runner->settings().name + ": a group has 1 to " +
                          std::to_string(most_workers) + " workers; 'stop' ends them all");
    return for_each(groups, [&](group_runner& runner) -> outcome {
        unsigned before = worker_number(runner);
        set_worker_number(runner, wanted_number(what, runner));
        return {std::to_string(before) + " -> " + count_of(worker_number(runner), "worker")};
    });
}

control_commands::reply control_commands::start(const group_selection& groups) {
    if (master_.is_stopping()) return refuse("the master is stopping");
    return for_each(groups, [](group_runner& runner) -> outcome {
        if (runner.group().phase() == core::group_phase::running) return {"is running already"};
        if (auto trouble = runner.open()) return {*trouble, false};
        runner.notice(core::event::start{});
        return {"starting " + count_of(runner.group().wishes().number, "worker")};
    });
}

control_commands::reply control_commands::stop(const order& what, const group_selection& groups) {
    if (master_.is_stopping()) return refuse("the master is stopping");
    return for_each(groups, [&](group_runner& runner) -> outcome {
        std::size_t there = processes(runner);
        if (what.what == verb::restart) {
            if (auto trouble = runner.open()) return {*trouble, false};
            runner.notice(core::event::restart{});
            return {"stopping " + count_of(there, "worker") + ", then starting again"};
        }
        runner.notice(core::event::stop{runner.group().wishes().stop_signal});
        return {"stopping " + count_of(there, "worker")};
    });
}

control_commands::reply control_commands::forward(const std::vector<int>& signals,
                                                  const group_selection& groups) {
    return for_each(groups, [&](group_runner& runner) -> outcome {
        std::string names;
        for (int signal : signals) {
            runner.notice(core::event::forward{signal});
            names += (names.empty() ? "" : ", ") + core::signal_name(signal);
        }
        return {names + " sent to " + count_of(processes(runner), "worker")};
    });
}

control_commands::reply control_commands::die(const order& what) {
    std::optional<int> signal;
    if (!what.signals.empty()) signal = what.signals[0];
    master_.stop(signal);
    return {"stopping: " + (signal ? core::signal_name(*signal) : std::string("the stop signal")) +
            " to all workers, and the master ends with the last one"};
}

control_commands::reply control_commands::change(const order& what, const group_selection& groups) {
    if (auto wrong = change_options(groups, what.changes)) return refuse(*wrong);
    return for_each(groups, [&](const group_runner&) -> outcome {
        return {count_of(what.changes.size(), "option") + " changed"};
    });
}

control_commands::reply control_commands::change_level(int steps) {
    int level = std::clamp(static_cast<int>(log_level()) + steps, static_cast<int>(severity::debug),
                           static_cast<int>(severity::error));
    set_log_level(static_cast<severity>(level));
    return {std::string("logging from ") + level_name(log_level()) + " on"};
}

/// All groups if no name is given.
control_commands::group_selection
control_commands::select(const std::vector<std::string>& names) const {
    group_selection chosen;
    for (const auto& runner : master_.groups())
        if (names.empty() || std::ranges::find(names, runner->settings().name) != names.end())
            chosen.push_back(runner.get());
    return chosen;
}

std::optional<control_commands::group_selection>
control_commands::select(const std::string& name) const {
    group_selection chosen;
    for (const auto& runner : master_.groups())
        if (name.empty() || runner->settings().name == name) chosen.push_back(runner.get());
    if (chosen.empty()) return std::nullopt;
    return chosen;
}

} // namespace einhyrningsins::master
