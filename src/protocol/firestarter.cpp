// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/firestarter.hpp"

#include "protocol/commands.hpp"
#include "protocol/json_text.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

namespace einhyrningsins::protocol::firestarter {
namespace {

namespace json = boost::json;
using answer = boost::system::result<request, request_error>;
using enum request_error::kind_type;

constexpr std::array table{
    command{verb::start, "worker:start", "start", "start the group's processes", false},
    command{verb::stop, "worker:stop", "stop", "stop them: SIGTERM, or the group's exec_stop",
            true},
    command{verb::restart, "worker:restart", "restart", "stop them, and start them again", true},
    command{verb::inc, "worker:inc", "inc", "one process more", false},
    command{verb::dec, "worker:dec", "dec", "one process fewer, but at least one", true},
    command{verb::upgrade, "worker:upgrade", "upgrade",
            "start new processes, and stop the old ones when they have acked", true},
    command{verb::killall, "worker:killall", "killall", "SIGKILL to all", false},
    command{verb::status, "worker:status", "status", "whether it is active, its processes and time",
            false},
    command{verb::worker_ack, "worker:ack", nullptr, nullptr, true},
    command{verb::stop, "monitor:stop", nullptr, nullptr, true},
};

/// What a reply calls a command that is for no group, and what it could not read.
constexpr const char* none = "none";

std::string_view text_of(const json::value* value) {
    const json::string* text = value ? value->if_string() : nullptr;
    return text ? std::string_view(text->data(), text->size()) : std::string_view();
}

request_error blame(request_error::kind_type kind, std::string message, std::string command = {}) {
    return {std::move(message), json::value(none), kind, config::dialect_name::firestarter,
            std::move(command)};
}

/// PID_MAX_LIMIT, see proc(5).
constexpr std::int64_t highest_pid = 4 * 1024 * 1024;

bool read_pid(const json::value* value, request& into) {
    if (!value || value->is_null()) return true;
    json::error_code error;
    auto pid = value->to_number<std::int64_t>(error);
    if (error || pid < 0 || pid > highest_pid) return false;
    into.pid = static_cast<int>(pid);
    return true;
}

bool read_signal(const json::value* value, request& into) {
    if (!value || value->is_null()) return true;
    auto number = core::signal_number(text_of(value));
    into.signal = number.value_or(0);
    return number.has_value();
}

/// A command for one group.
answer read_control(const json::object& from, request made) {
    std::string_view name = text_of(from.if_contains("command"));
    made.command = name;
    if (!find_command(name)) return blame(wrong_key, quoted(name) + " is no command", made.command);
    made.id = json::value(made.command);
    if (!read_pid(from.if_contains("pid"), made))
        return blame(wrong_key, "'pid' must be a process id", made.command);
    if (!read_signal(from.if_contains("signal"), made))
        return blame(wrong_key, "'signal' must be a signal like \"SIGTERM\", or null",
                     made.command);
    return made;
}

answer read_group_control(const json::object& from, request made) {
    made.group = text_of(from.if_contains("worker"));
    const json::value* inner = from.if_contains("command");
    if (made.group.empty()) return blame(wrong_key, "'worker' must be the name of a group");
    if (!inner || !inner->is_object())
        return blame(wrong_key, "'command' must be an object with 'command', 'pid' and 'signal'");
    return read_control(inner->get_object(), std::move(made));
}

std::string list_of(const process_list& all) {
    std::string text;
    for (core::process_id pid : all)
        text += (text.empty() ? "" : ", ") + std::to_string(pid);
    return "[" + text + "]";
}

std::string line_of(const json::value& value) { return json_text(value) + "\n"; }

/// Adds what one entry says; returns whether it is one.
bool add_entry(const json::value& value, reply& into) {
    const json::object* object = value.if_object();
    const json::value* message = object ? object->if_contains("message") : nullptr;
    if (!message || !message->is_string()) return false;
    if (!into.message.empty()) into.message += "\n";
    into.message += text_of(message);
    into.ok = into.ok && text_of(object->if_contains("status")) == "ok";
    return true;
}

bool add_names(const json::value& names, reply& into) {
    if (!names.is_array()) return false;
    for (const json::value& name : names.get_array())
        into.message += std::string(text_of(&name)) + "\n";
    return true;
}

} // namespace

std::vector<command> commands() { return {table.begin(), table.end()}; }

std::optional<command> find_command(std::string_view name) {
    auto found = std::ranges::find_if(table, [&](const command& one) { return name == one.name; });
    return found == table.end() ? std::nullopt : std::optional(*found);
}

std::optional<command> find_word(std::string_view word) {
    auto found = std::ranges::find_if(
        table, [&](const command& one) { return one.word && word == one.word; });
    return found == table.end() ? std::nullopt : std::optional(*found);
}

bool is_request(const json::object& from, const socket_kind& where) {
    bool is_spoken = where.is_of_group || where.spoken == config::dialect_name::firestarter;
    if (!is_spoken || from.contains("id")) return false;
    if (from.contains("command_type")) return true;
    return where.is_of_group && find_command(text_of(from.if_contains("command"))).has_value();
}

answer read_request(const json::object& from) {
    request made{.dialect = config::dialect_name::firestarter};
    const json::value* type = from.if_contains("command_type");
    if (!type) return read_control(from, std::move(made));
    made.command = text_of(type);
    if (made.command == "ctrl_worker") return read_group_control(from, {.dialect = made.dialect});
    made.id = json::value(none);
    if (made.command == "list" || made.command == "status" || made.command == "stop") return made;
    return blame(wrong_key, "'command_type' must be list, status, stop or ctrl_worker");
}

boost::system::result<order, std::string> read_order(const request& from) {
    order made{.group = from.group, .pid = from.pid, .signal = from.signal};
    auto what = find_command(from.command);
    made.what = what                       ? what->what
                : from.command == "list"   ? verb::list
                : from.command == "status" ? verb::status
                                           : verb::die;
    return made;
}

std::string request_line(const request& what) {
    bool is_control = find_command(what.command).has_value();
    json::value signal = nullptr;
    if (what.signal) signal = json::value(core::signal_name(what.signal));
    json::object control{{"command", is_control ? what.command : "worker:" + what.command},
                         {"pid", what.pid},
                         {"signal", std::move(signal)}};
    json::object line{{"command_type", is_control ? "ctrl_worker" : what.command}};
    line["worker"] = is_control ? json::value(what.group) : json::value(nullptr);
    line["command"] = what.command == "list" ? json::value(nullptr) : json::value(control);
    line["pid"] = what.pid;
    return line_of(line);
}

json::object entry(const reply& what, const std::optional<json::value>& id,
                   core::process_id master) {
    return {{"status", what.ok ? "ok" : "error"},
            {"command", id.value_or(json::value(none))},
            {"pid", master},
            {"message", what.message}};
}

json::object name_list(const std::vector<std::string>& names, core::process_id master) {
    return {{"pid", master}, {"workers", json::array(names.begin(), names.end())}};
}

std::optional<reply> parse_reply(std::string_view line) {
    json::error_code error;
    json::value value = json::parse({line.data(), line.size()}, error);
    reply made;
    if (error) return std::nullopt;
    if (auto* entries = value.if_array()) {
        for (const json::value& one : *entries)
            if (!add_entry(one, made)) return std::nullopt;
        return made;
    }
    const json::object* object = value.if_object();
    const json::value* names = object ? object->if_contains("workers") : nullptr;
    if (names ? add_names(*names, made) : add_entry(value, made)) return made;
    return std::nullopt;
}

std::string started(const process_list& fresh) { return "start processes pid " + list_of(fresh); }

std::string signalled(int signal, const process_list& to) {
    return "send signal " + core::signal_name(signal) + " pid " + list_of(to);
}

std::string restarted(const process_list& fresh, const process_list& old) {
    return "restart processes new " + list_of(fresh) + " old " + list_of(old);
}

std::string increased(core::process_id fresh) {
    return "increments worker process pid [" + std::to_string(fresh) + "]";
}

std::string decreased(core::process_id gone) {
    return "decrements worker process pid [" + std::to_string(gone) + "]";
}

std::string upgraded(const process_list& fresh, const process_list& old) {
    return "upgrade processes new " + list_of(fresh) + " old " + list_of(old);
}

std::string killed(const process_list& all) { return "kill processes pid " + list_of(all); }

std::string status(const std::string& group, const process_list& all, core::duration uptime) {
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(uptime).count();
    char clock[48];
    std::snprintf(clock, sizeof clock, "%02lld:%02lld:%02lld",
                  static_cast<long long>(seconds / 3600), static_cast<long long>(seconds / 60 % 60),
                  static_cast<long long>(seconds % 60));
    return "[" + group + "] " + (all.empty() ? "stopped" : "active") + "\nprocesses " +
           list_of(all) + "\ntime " + clock;
}

} // namespace einhyrningsins::protocol::firestarter
