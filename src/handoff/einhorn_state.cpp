// SPDX-License-Identifier: GPL-3.0-or-later
#include "handoff/einhorn_state.hpp"

#include "config/command_line.hpp"
#include "config/einhorn_command_line.hpp"
#include "config/server_word.hpp"
#include "core/signal_name.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <ctime>
#include <stdexcept>

namespace einhyrningsins::handoff {
namespace {

using node = YAML::Node;
using words = std::vector<std::string>;

struct bad_key : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The value of a symbol key; a null node if there is none.
node get(const node& from, const std::string& key) {
    if (!from.IsMap()) return node();
    const node value = from[":" + key];
    return value.IsDefined() ? value : node();
}

template <class T>
T read(const node& from, const std::string& key, T otherwise) {
    node value = get(from, key);
    if (value.IsNull()) return otherwise;
    try {
        return value.as<T>();
    } catch (const YAML::Exception&) {
        throw bad_key(":" + key + " has a value of the wrong kind");
    }
}

template <class T>
std::optional<T> read_optional(const node& from, const std::string& key) {
    if (get(from, key).IsNull()) return std::nullopt;
    return read<T>(from, key, T());
}

/// A number of seconds, which may have a fraction.
core::duration read_seconds(const node& from, const std::string& key, double otherwise) {
    constexpr double most = 1e7;
    double seconds = read(from, key, otherwise);
    if (!std::isfinite(seconds) || seconds < 0 || seconds > most)
        throw bad_key(":" + key + " is no number of seconds from 0 to 10000000");
    return std::chrono::duration_cast<core::duration>(std::chrono::duration<double>(seconds));
}

words read_words(const node& from, const std::string& key) { return read<words>(from, key, {}); }

/// Ruby writes bytes that are no text as "!binary", in base 64.
std::string read_bytes(const node& from, const std::string& key) {
    node value = get(from, key);
    if (value.IsNull()) return {};
    if (!value.Tag().ends_with("binary")) return read<std::string>(from, key, {});
    // yaml-cpp reads beyond its table for anything that is not in ASCII.
    if (!std::ranges::all_of(value.Scalar(), [](unsigned char c) { return c < 0x80; }))
        throw bad_key(":" + key + " is no text in base 64");
    auto bytes = value.as<YAML::Binary>();
    if (bytes.size() == 0) return {};
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A time as Ruby writes it: "2026-11-21 09:10:30.457086540 +01:00".
std::optional<std::chrono::system_clock::time_point> parse_time(const std::string& text) {
    std::tm fields{};
    double seconds = 0;
    char sign = '+';
    int hours = 0, minutes = 0;
    int found = std::sscanf(text.c_str(), "%d-%d-%d%*[ T]%d:%d:%lf%*[ ]%c%d:%d", &fields.tm_year,
                            &fields.tm_mon, &fields.tm_mday, &fields.tm_hour, &fields.tm_min,
                            &seconds, &sign, &hours, &minutes);
    if (found < 6 || !(seconds >= 0 && seconds < 62)) return std::nullopt;
    // What the clock can express, in nanoseconds.
    if (fields.tm_year < 1971 || fields.tm_year > 2200) return std::nullopt;
    if (std::abs(fields.tm_mon) > 12 || std::abs(fields.tm_mday) > 31) return std::nullopt;
    if (std::abs(fields.tm_hour) > 24 || std::abs(fields.tm_min) > 60) return std::nullopt;
    if (std::abs(hours) > 24 || std::abs(minutes) > 60) return std::nullopt;
    fields.tm_year -= 1900;
    fields.tm_mon -= 1;
    std::time_t whole = ::timegm(&fields) - (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return std::chrono::system_clock::from_time_t(whole) +
           std::chrono::microseconds(static_cast<std::int64_t>(seconds * 1e6));
}

/// The same moment on the clock that the core knows; now if nothing can be read or it is to come.
core::time_point read_time(const node& from, const std::string& key,
                           const einhorn_surroundings& where) {
    auto then = parse_time(read<std::string>(from, key, {}));
    if (!then || *then > where.wall_clock) return where.now;
    return where.now - std::chrono::duration_cast<core::duration>(where.wall_clock - *then);
}

/// The members of a set, which Ruby writes as an object with a hash, or as a hash.
words read_set(const node& from, const std::string& key) {
    node value = get(from, key);
    if (value.IsMap() && value["hash"].IsDefined()) value.reset(value["hash"]);
    words members;
    if (value.IsMap())
        for (const auto& entry : value)
            members.push_back(entry.first.as<std::string>());
    return members;
}

// The settings

core::ack_policy read_ack(const node& from) {
    node mode = get(from, "ack_mode");
    if (read<std::string>(mode, "type", ":timer") == ":manual")
        return core::ack_manual{core::duration::zero()};
    return core::ack_timer{read_seconds(mode, "timeout", 1)};
}

core::policy read_policy(const node& from, const einhorn_surroundings& where) {
    node config = get(from, "config");
    core::policy wishes;
    wishes.number = std::max(1U, read(config, "number", 1U));
    wishes.ack = read_ack(from);
    wishes.seconds = read_seconds(config, "seconds", 1);
    wishes.signal_timeout = read_seconds(from, "signal_timeout", 0);
    wishes.kill_at_timeout = true;
    wishes.max_unacked = std::max(1U, read(config, "max_unacked", where.cpus));
    if (auto additional = read_optional<unsigned>(config, "max_upgrade_additional"))
        wishes.max_upgrade_additional = std::max(1U, *additional);
    return wishes;
}

config::bind_spec read_bind(const node& from) {
    if (!from.IsSequence() || from.size() < 2)
        throw bad_key(":bind has an entry that is no address");
    std::string text = from[0].as<std::string>() + ":" + from[1].as<std::string>();
    for (const node& flag : from[2])
        text += "," + flag.as<std::string>();
    auto spec = config::parse_bind_spec(text);
    if (!spec) throw bad_key(":bind: " + spec.error().message);
    return std::move(*spec);
}

/// The numbers that einhorn has put in place of "srv:" words are those of its own descriptors;
/// workers of ours will know the sockets by others.
void read_server_words(const node& from, config::group_settings& into) {
    words command = read_words(from, "orig_cmd");
    if (!get(from, "sockets").IsMap() || get(from, "sockets").size() == 0 || command.empty())
        return;
    auto specs = config::take_server_words(command);
    if (!specs) throw bad_key(":orig_cmd: " + specs.error().message);
    command[0] = into.command[0];
    into.command = std::move(command);
    into.server_words = static_cast<unsigned>(specs->size());
    into.listeners = std::move(*specs);
}

config::group_settings read_group_settings(const node& from, const einhorn_surroundings& where) {
    config::group_settings wishes;
    wishes.command = read_words(from, "cmd");
    if (wishes.command.empty()) throw bad_key(":cmd is missing");
    wishes.name = config::group_name(read<std::string>(from, "cmd_name", {}), wishes.command[0]);
    wishes.policy = read_policy(from, where);
    wishes.ack_timeout = core::duration::zero();
    read_server_words(from, wishes);
    for (const node& one : get(from, "bind"))
        wishes.listeners.push_back(read_bind(one));
    wishes.backlog = read(get(from, "config"), "backlog", 100);
    wishes.drop_variables = read_words(from, "drop_environment_variables");
    wishes.command_socket_as_fd = read(from, "command_socket_as_fd", false);
    wishes.kill_children_on_exit = read(from, "kill_children_on_exit", false);
    wishes.worker_nice = read_optional<int>(get(from, "nice"), "worker");
    wishes.preload = read<std::string>(from, "path", {});
    return wishes;
}

config::master_settings read_master_settings(const node& from, const einhorn_surroundings& where) {
    config::master_settings wishes;
    wishes.personality = config::personality::einhorn;
    wishes.command_name = read<std::string>(from, "cmd_name", {});
    wishes.socket_path = read<std::string>(from, "socket_path", {});
    wishes.pidfile = read<std::string>(from, "pidfile", {});
    wishes.lockfile = read<std::string>(from, "lockfile", {});
    config::fill_in_einhorn_paths(wishes, where.temporary_directory);
    wishes.nice = read_optional<int>(get(from, "nice"), "master");
    wishes.reexec_as = read_words(from, "reexec_commandline");
    return wishes;
}

core::severity read_log_level(const node& from) {
    int verbosity = read(from, "verbosity", 1);
    return verbosity <= 0   ? core::severity::debug
           : verbosity == 1 ? core::severity::info
                            : core::severity::error;
}

// What there is

/// einhorn does not say which signal was the last: the firmest is taken.
core::dismissal read_dismissal(const node& from, const words& signals,
                               const einhorn_surroundings& where) {
    core::dismissal told{SIGUSR2, read_time(from, "last_signaled_at", where)};
    for (int firmer : {SIGTERM, SIGKILL})
        for (const std::string& name : signals)
            if (core::signal_number(name) == firmer) told.signal = firmer;
    return told;
}

core::worker read_worker(int pid, const node& from, const einhorn_surroundings& where) {
    core::worker who;
    who.pid = pid;
    who.spawn_requested = true;
    who.index = read(from, "index", 0U);
    who.generation = read(from, "version", 0U) + 1;
    who.since = read_time(from, "spinup_time", where);
    if (read(from, "acked", false)) {
        who.state = core::worker_state::ready;
        who.acked_at = who.since;
    }
    if (words signals = read_set(from, "signaled"); !signals.empty()) {
        who.state = core::worker_state::stopping;
        who.told = read_dismissal(from, signals, where);
    }
    return who;
}

core::group_state read_group_state(const node& from, const core::policy& wishes,
                                   const einhorn_surroundings& where) {
    core::group_state state{.wishes = wishes, .phase = core::group_phase::running};
    state.current.generation = state.last_generation = read(from, "version", 0U) + 1;
    for (const auto& entry : get(from, "children")) {
        if (read<std::string>(entry.second, "type", {}) != ":worker") continue;
        core::worker who = read_worker(entry.first.as<int>(), entry.second, where);
        who.id = core::worker_id(++state.last_id);
        state.current.proven |= who.state == core::worker_state::ready;
        state.workers.push_back(std::move(who));
    }
    return state;
}

/// The socket of a "srv:" word, by its host and port.
int find_server_socket(const node& from, const config::bind_spec& spec) {
    const auto& wanted = std::get<config::inet_address>(spec.address);
    for (const auto& entry : get(from, "sockets"))
        if (entry.first.IsSequence() && entry.first.size() == 2 &&
            entry.first[0].as<std::string>() == wanted.host &&
            entry.first[1].as<std::string>() == std::to_string(wanted.port))
            return entry.second.as<int>();
    throw bad_key(":sockets has none for " + spec.text);
}

/// In the order of the settings: those of "srv:" words, then those of -b.
std::vector<listener> read_listeners(const node& from, const config::group_settings& wishes) {
    std::vector<listener> all;
    for (unsigned n = 0; n < wishes.server_words; ++n)
        all.push_back({.fd = find_server_socket(from, wishes.listeners[n])});
    for (const node& fd : get(from, "bind_fds"))
        all.push_back({.fd = fd.as<int>()});
    return all;
}

/// Whoever has subscribed to the upgrade waits for its end.
std::optional<boost::json::value> subscription(const node& client) {
    node id = get(get(client, "subscriptions"), "upgrade");
    if (!id.IsScalar()) return std::nullopt;
    return boost::json::value(id.as<std::string>());
}

void read_descriptor(const node& from, state& into) {
    auto kind = read<std::string>(from, "class", {});
    if (kind == "Einhorn::Event::CommandServer")
        into.control = control_socket{read(from, "server", -1), {into.master.socket_path}};
    if (kind != "Einhorn::Event::Connection") return;
    into.connections.push_back({.fd = read(from, "socket", -1),
                                .received = read_bytes(from, "read_buffer"),
                                .unsent = read_bytes(from, "write_buffer")});
    if (auto id = subscription(from))
        into.wishes.push_back({.fd = into.connections.back().fd, .id = *id, .einhorn = true});
}

/// An upgrade that was asked for, or that was under way, begins when all is taken over.
void wish_for_upgrade(const node& from, state& into) {
    bool wanted = read(from, "reloading_for_upgrade", false) || read(from, "upgrading", false);
    if (!wanted) return;
    if (into.wishes.empty()) into.wishes.emplace_back();
    for (wish& one : into.wishes)
        one.upgrade = read(from, "smooth_upgrade", true) ? core::upgrade_mode::rolling
                                                         : core::upgrade_mode::fleet;
}

state read_state(const node& all, const einhorn_surroundings& where) {
    node from = get(all, "state");
    if (!from.IsMap()) throw bad_key(":state is missing");
    state into;
    into.master = read_master_settings(from, where);
    into.working_directory = where.working_directory;
    into.started_at = where.now;
    into.reloads = read<std::uint64_t>(from, "generation", 0);
    into.log_level = read_log_level(from);
    group& one = into.groups.emplace_back();
    one.settings = read_group_settings(from, where);
    one.listeners = read_listeners(from, one.settings);
    one.state = read_group_state(from, one.settings.policy, where);
    for (const node& each : get(all, "persistent_descriptors"))
        read_descriptor(each, into);
    wish_for_upgrade(from, into);
    return into;
}

} // namespace

boost::system::result<state, std::string> parse_einhorn(std::string_view text,
                                                        const einhorn_surroundings& where) {
    const std::string subject = "einhorn's state";
    try {
        state all = read_state(YAML::Load(std::string(text)), where);
        if (auto wrong = find_contradiction(all); !wrong.empty()) return subject + wrong;
        return all;
    } catch (const bad_key& wrong) {
        return subject + ": " + wrong.what();
    } catch (const YAML::Exception& wrong) {
        return subject + ": line " + std::to_string(wrong.mark.line + 1) + ": " + wrong.msg;
    }
}

} // namespace einhyrningsins::handoff
