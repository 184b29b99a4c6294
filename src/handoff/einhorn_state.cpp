// SPDX-License-Identifier: GPL-3.0-or-later
#include "handoff/einhorn_state.hpp"

#include "config/command_line.hpp"
#include "config/einhorn_command_line.hpp"
#include "config/number.hpp"
#include "config/quote.hpp"
#include "config/server_word.hpp"
#include "core/signal_name.hpp"
#include "handoff/einhorn_values.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <limits>
#include <set>
#include <stdexcept>

namespace einhyrningsins::handoff {
namespace {

using node = yaml_node;
using words = std::vector<std::string>;

constexpr std::int64_t most = std::numeric_limits<int>::max();

/// The text is not a state.
struct unreadable : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Reads a state. Each function reads what its name says.
class reader {
  public:
    reader(const einhorn_surroundings& where, einhorn_values& in) : where_(where), in_(in) {}

    state read(const node& all);

  private:
    core::ack_policy ack_mode(const node& from);
    core::policy policy(const node& from);
    config::group_settings group_settings(const node& from);
    config::master_settings master_settings(const node& from);
    void server_words(const node& from, config::group_settings& into);
    std::string known_flags(const words& flags, const std::string& of);
    std::string with_known_flags(const std::string& word);
    std::optional<config::bind_spec> bind(const node& from);
    core::severity log_level(const node& from);
    core::time_point time(const node& from, std::string_view key) const;
    core::dismissal dismissal(const node& from, const words& signals) const;
    core::worker worker(int pid, const node& from);
    core::group_state group_state(const node& from, const core::policy& wishes);
    int descriptor(const node& value);
    int server_socket(const node& from, const config::bind_spec& spec);
    void listeners(const node& from, group& into);
    void persistent_descriptor(const node& from, state& into);
    void upgrade_under_way(const node& from, state& into);

    const einhorn_surroundings& where_;
    einhorn_values& in_;
    std::set<int> descriptors_; ///< already in use
};

node get(const node& from, std::string_view key) { return einhorn_values::get(from, key); }

// The settings

core::ack_policy reader::ack_mode(const node& from) {
    node mode = get(from, "ack_mode");
    if (in_.text(mode, "type") == ":manual") return core::ack_manual{core::duration::zero()};
    return core::ack_timer{in_.seconds(mode, "timeout").value_or(std::chrono::seconds(1))};
}

core::policy reader::policy(const node& from) {
    auto at_least_1 = [](std::int64_t number) {
        return static_cast<unsigned>(std::max<std::int64_t>(number, 1));
    };
    node config = get(from, "config");
    core::policy wishes;
    std::int64_t running = 0; // the default, so that no worker is lost
    for (const auto& [pid, child] : get(from, "children").entries())
        running += get(child, "type").text() == ":worker";
    running = std::min<std::int64_t>(running, config::most_workers);
    wishes.number = at_least_1(in_.number(config, "number", 0, config::most_workers, running));
    wishes.ack = ack_mode(from);
    wishes.seconds = in_.seconds(config, "seconds").value_or(std::chrono::seconds(1));
    // 0 means immediately here, but never in the settings.
    if (auto patience = in_.seconds(from, "signal_timeout"))
        wishes.signal_timeout = std::max(*patience, core::duration(1));
    else
        wishes.signal_timeout = core::duration::zero();
    wishes.kill_at_timeout = true;
    wishes.max_unacked = at_least_1(in_.number(config, "max_unacked", 0, most, where_.cpus));
    if (auto additional = in_.optional_number(config, "max_upgrade_additional", 0, most))
        wishes.max_upgrade_additional = at_least_1(*additional);
    return wishes;
}

/// einhorn accepts any flag and knows four. The others have no meaning here either, even if there
/// is an option of that name.
std::string reader::known_flags(const words& flags, const std::string& of) {
    constexpr std::array known{"r", "so_reuseaddr", "n", "o_nonblock"};
    std::string text;
    for (std::string flag : flags) {
        for (char& c : flag)
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        if (std::ranges::find(known, flag) != known.end())
            text += "," + flag;
        else
            in_.remark(of + ": the flag " + config::quote(flag) + " is unknown and ignored");
    }
    return text;
}

std::optional<config::bind_spec> reader::bind(const node& from) {
    const auto parts = from.elements();
    auto part = [&](std::size_t place) {
        return parts.size() > place ? parts[place].text() : std::nullopt;
    };
    auto host = part(0), port = part(1);
    if (!host || !port) {
        in_.remark(":bind has an entry that is not an address; its socket is kept");
        return std::nullopt;
    }
    std::string address = *host + ":" + *port;
    words flags;
    if (parts.size() > 2)
        for (const node& flag : parts[2].elements())
            flags.push_back(flag.text().value_or(""));
    auto spec = config::parse_bind_spec(address + known_flags(flags, ":bind: " + address));
    if (spec && std::holds_alternative<config::inet_address>(spec->address))
        return std::move(*spec);
    in_.remark(":bind: " + config::quote(address) +
               " is not a valid address here; its socket is kept, but cannot be bound again");
    return std::nullopt;
}

/// Removes the flags that einhorn does not know from "--listen=srv:HOST:PORT,flag,...".
std::string reader::with_known_flags(const std::string& word) {
    std::size_t begin = word.rfind("srv:");
    std::size_t comma = begin == word.npos ? word.npos : word.find(',', begin);
    if (comma == word.npos) return word;
    words flags;
    for (std::size_t at = comma; at < word.size();) {
        std::size_t next = std::min(word.find(',', at + 1), word.size());
        flags.push_back(word.substr(at + 1, next - at - 1));
        at = next;
    }
    return word.substr(0, comma) + known_flags(flags, config::quote(word));
}

/// einhorn has replaced "srv:" words by its own descriptor numbers; workers of this master get the
/// sockets under other numbers.
void reader::server_words(const node& from, config::group_settings& into) {
    words command = in_.texts(from, "orig_cmd");
    if (get(from, "sockets").entries().empty() || command.empty()) return;
    words known;
    for (const std::string& word : command)
        known.push_back(with_known_flags(word));
    words replaced = known;
    auto specs = config::take_server_words(replaced);
    if (!specs) return in_.remark(":orig_cmd: " + specs.error().message + "; :cmd is used");
    for (std::size_t place = 1; place < command.size(); ++place)
        if (replaced[place] != known[place]) command[place] = replaced[place];
    command[0] = into.command[0];
    into.command = std::move(command);
    into.server_words = static_cast<unsigned>(specs->size());
    into.listeners = std::move(*specs);
}

config::group_settings reader::group_settings(const node& from) {
    config::group_settings wishes;
    wishes.command = in_.texts(from, "cmd");
    if (wishes.command.empty() || wishes.command[0].empty()) wishes.command = where_.command;
    if (wishes.command.empty()) throw unreadable(": :cmd is missing");
    wishes.name = config::group_name(in_.text(from, "cmd_name"), wishes.command[0]);
    wishes.policy = policy(from);
    wishes.ack_timeout = core::duration::zero();
    server_words(from, wishes);
    wishes.backlog = static_cast<int>(in_.number(get(from, "config"), "backlog", -most, most, 100));
    wishes.drop_variables = in_.texts(from, "drop_environment_variables");
    wishes.command_socket_as_fd = in_.flag(from, "command_socket_as_fd");
    wishes.kill_children_on_exit = in_.flag(from, "kill_children_on_exit");
    if (auto nice = in_.optional_number(get(from, "nice"), "worker", -most, most))
        wishes.worker_nice = static_cast<int>(*nice);
    wishes.preload = in_.text(from, "path");
    return wishes;
}

config::master_settings reader::master_settings(const node& from) {
    config::master_settings wishes;
    wishes.personality = config::personality::einhorn;
    wishes.command_name = in_.text(from, "cmd_name");
    wishes.socket_path = in_.text(from, "socket_path");
    wishes.pidfile = in_.text(from, "pidfile");
    wishes.lockfile = in_.text(from, "lockfile");
    config::fill_in_einhorn_paths(wishes, where_.temporary_directory);
    if (auto nice = in_.optional_number(get(from, "nice"), "master", -most, most))
        wishes.nice = static_cast<int>(*nice);
    wishes.reexec_as = in_.texts(from, "reexec_commandline");
    return wishes;
}

core::severity reader::log_level(const node& from) {
    std::int64_t verbosity = in_.number(from, "verbosity", -most, most, 1);
    return verbosity <= 0   ? core::severity::debug
           : verbosity == 1 ? core::severity::info
                            : core::severity::error;
}

// What is running

/// Converts a time to the clock of the core; now, if it cannot be read or is in the future.
core::time_point reader::time(const node& from, std::string_view key) const {
    auto then = einhorn_values::time(from, key);
    if (!then || *then > where_.wall_clock) return where_.now;
    return where_.now - std::chrono::duration_cast<core::duration>(where_.wall_clock - *then);
}

/// einhorn does not record which signal was the last one: the strongest is assumed.
core::dismissal reader::dismissal(const node& from, const words& signals) const {
    core::dismissal told{SIGUSR2, time(from, "last_signaled_at")};
    for (int firmer : {SIGTERM, SIGKILL})
        for (const std::string& name : signals)
            if (core::signal_number(name) == firmer) told.signal = firmer;
    return told;
}

core::worker reader::worker(int pid, const node& from) {
    core::worker made;
    made.pid = pid;
    made.state = core::worker_state::starting;
    made.index = static_cast<unsigned>(in_.number(from, "index", 0, most, 0));
    made.generation = static_cast<core::generation>(in_.number(from, "version", 0, most, 0) + 1);
    made.since = time(from, "spinup_time");
    if (in_.flag(from, "acked")) {
        made.state = core::worker_state::ready;
        made.acked_at = made.since;
    }
    if (words signals = in_.set(from, "signaled"); !signals.empty()) {
        made.state = core::worker_state::stopping;
        made.told = dismissal(from, signals);
    }
    return made;
}

core::group_state reader::group_state(const node& from, const core::policy& wishes) {
    core::group_state state{.wishes = wishes, .phase = core::group_phase::running};
    auto version = in_.number(from, "version", 0, most, 0);
    state.current.generation = state.last_generation = static_cast<core::generation>(version + 1);
    std::set<std::int64_t> pids;
    for (const auto& [key, child] : in_.map(from, "children").entries()) {
        if (get(child, "type").text() != ":worker") continue;
        std::string name = key.text().value_or("");
        auto pid = config::parse_number(name, 2, most);
        if (!pid || !pids.insert(*pid).second) {
            in_.remark(":children: " + config::quote(name) +
                       " is not a worker's pid; it is ignored");
            continue;
        }
        core::worker made = worker(static_cast<int>(*pid), child);
        made.id = core::worker_id(++state.last_id);
        state.last_generation = std::max(state.last_generation, made.generation);
        state.current.proven |= made.state == core::worker_state::ready;
        state.workers.push_back(std::move(made));
    }
    return state;
}

/// -1: not a descriptor, or in use by something else.
int reader::descriptor(const node& value) {
    std::string text = value.text().value_or("");
    auto number = config::parse_number(text, 3, most);
    if (number && descriptors_.insert(static_cast<int>(*number)).second)
        return static_cast<int>(*number);
    in_.remark("descriptor " + config::quote(text) + (number ? " is used twice" : " is not valid"));
    return -1;
}

/// The socket of a "srv:" word, by its host and port.
int reader::server_socket(const node& from, const config::bind_spec& spec) {
    const auto& wanted = std::get<config::inet_address>(spec.address);
    for (const auto& [key, fd] : in_.map(from, "sockets").entries()) {
        auto address = key.elements();
        if (address.size() == 2 && address[0].text() == wanted.host &&
            address[1].text() == std::to_string(wanted.port))
            return descriptor(fd);
    }
    in_.remark(":sockets has no socket for " + spec.text);
    return -1;
}

/// First the sockets of "srv:" words, then those of -b. Workers get every socket, even if its
/// address is not understood.
void reader::listeners(const node& from, group& into) {
    for (unsigned n = 0; n < into.settings.server_words; ++n) {
        const config::bind_spec& spec = into.settings.listeners[n];
        into.listeners.push_back(
            {.fd = server_socket(from, spec), .spec = model::listener_spec{spec, {}}});
    }
    const auto specs = in_.list(from, "bind").elements(),
               fds = in_.list(from, "bind_fds").elements();
    for (std::size_t place = 0; place < std::max(specs.size(), fds.size()); ++place) {
        auto spec = place < specs.size() ? bind(specs[place]) : std::nullopt;
        listener one{.fd = place < fds.size() ? descriptor(fds[place]) : -1};
        if (spec) one.spec = model::listener_spec{*spec, {}};
        if (spec) into.settings.listeners.push_back(std::move(*spec));
        if (one.fd >= 0 || one.spec) into.listeners.push_back(std::move(one));
    }
}

/// The id that a client has given, with its type.
boost::json::value id_of(const node& id) {
    if (!id.is_quoted())
        if (auto number =
                config::parse_number(id.scalar(), std::numeric_limits<std::int64_t>::min(),
                                     std::numeric_limits<std::int64_t>::max()))
            return *number;
    return boost::json::value(id.text().value_or(""));
}

void reader::persistent_descriptor(const node& from, state& into) {
    std::string kind = in_.text(from, "class");
    if (kind == "Einhorn::Event::CommandServer")
        into.control = control_socket{descriptor(get(from, "server")), {into.master.socket_path}};
    if (kind != "Einhorn::Event::Connection") return;
    int fd = descriptor(get(from, "socket"));
    if (fd < 0) return;
    connection& client = into.connections.emplace_back();
    client.fd = fd;
    client.received = in_.text(from, "read_buffer");
    client.unsent = in_.text(from, "write_buffer");
    // A client that has subscribed to the upgrade waits for its end.
    if (node id = get(get(from, "subscriptions"), "upgrade"); id.is_scalar() && !id.is_null())
        into.requests.push_back(
            {.fd = fd, .id = id_of(id), .dialect = config::dialect_name::einhorn});
}

/// An upgrade that was requested or in progress starts once everything has been taken over.
void reader::upgrade_under_way(const node& from, state& into) {
    bool wanted = in_.flag(from, "reloading_for_upgrade") || in_.flag(from, "upgrading");
    if (!wanted) return;
    bool is_fleet = !get(from, "smooth_upgrade").is_null() && !in_.flag(from, "smooth_upgrade");
    if (into.requests.empty()) into.requests.emplace_back();
    for (request& one : into.requests)
        one.upgrade = is_fleet ? core::upgrade_mode::fleet : core::upgrade_mode::rolling;
}

state reader::read(const node& all) {
    node from = get(all, "state");
    if (!from.is_map()) throw unreadable(": :state is missing");
    // einhorn always writes this last.
    const node descriptors = get(all, "persistent_descriptors");
    if (!descriptors.is_list())
        throw unreadable(" ends too early: :persistent_descriptors is missing");
    state into;
    into.master = master_settings(from);
    into.working_directory = where_.working_directory;
    into.started_at = where_.now;
    into.reloads = static_cast<std::uint64_t>(in_.number(from, "generation", 0, most, 0));
    into.log_level = log_level(from);
    group& one = into.groups.emplace_back();
    one.settings = group_settings(from);
    listeners(from, one);
    one.state = group_state(from, one.settings.policy);
    for (const node& each : descriptors.elements())
        persistent_descriptor(each, into);
    upgrade_under_way(from, into);
    return into;
}

} // namespace

boost::system::result<einhorn_state, std::string> parse_einhorn(std::string_view text,
                                                                const einhorn_surroundings& where) {
    const std::string subject = "einhorn's state";
    if (text.empty()) return subject + " is empty";
    if (!text.ends_with('\n')) return subject + " ends too early: within a line";
    try {
        einhorn_values in;
        auto document = yaml_document::parse(text);
        if (!document) return subject + ": " + document.error();
        state all = reader(where, in).read(document->root());
        if (auto wrong = find_contradiction(all); !wrong.empty()) return subject + wrong;
        return einhorn_state{std::move(all), in.remarks()};
    } catch (const unreadable& wrong) {
        return subject + wrong.what();
    }
}

} // namespace einhyrningsins::handoff
