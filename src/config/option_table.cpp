// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/option.hpp"

#include "config/group_name.hpp"
#include "config/number.hpp"
#include "config/quote.hpp"
#include "config/shell_words.hpp"
#include "core/signal_name.hpp"
#include "core/socket_path.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <limits>
#include <utility>

namespace einhyrningsins::config {
namespace {

constexpr complaint fine = std::nullopt;

// Most options store their value in a member of the settings.

template <bool group_settings::*member>
complaint set(draft& into, const std::string& value) {
    into.group.*member = value != flag_off;
    return fine;
}

template <bool master_settings::*member>
complaint set(draft& into, const std::string&) {
    into.master.*member = true;
    return fine;
}

template <request_kind kind>
complaint ask(draft& into, const std::string&) {
    into.kind = std::max(into.kind, kind);
    return fine;
}

template <verbosity wanted>
complaint level(draft& into, const std::string&) {
    into.master.verbosity = wanted;
    return fine;
}

template <std::string group_settings::*member>
complaint word(draft& into, const std::string& value) {
    if (value.empty()) return "must not be empty";
    into.group.*member = value;
    return fine;
}

template <std::string master_settings::*member>
complaint word(draft& into, const std::string& value) {
    if (value.empty()) return "must not be empty";
    into.master.*member = value;
    return fine;
}

complaint socket_path(draft& into, const std::string& value) {
    auto wrong = core::complain_of_socket_path(value);
    return wrong ? wrong : word<&master_settings::socket_path>(into, value);
}

complaint take_number(auto& target, std::string_view value, int least, int most) {
    auto number = parse_number(value, least, most);
    if (!number)
        return quote(value) + " is not a number from " + std::to_string(least) + " to " +
               std::to_string(most);
    target = static_cast<int>(*number);
    return fine;
}

template <auto member>
complaint count(draft& into, const std::string& value) {
    return take_number(into.group.policy.*member, value, 1, static_cast<int>(most_workers));
}

template <core::duration core::policy::*member>
complaint seconds(draft& into, const std::string& value) {
    return take_seconds(into.group.policy.*member, value);
}

// Options with rules of their own.

complaint command_name(draft& into, const std::string& value) {
    if (!is_group_name(value)) return quote(value) + no_group_name;
    into.master.command_name = value;
    return fine;
}

complaint drop_env_var(draft& into, const std::string& value) {
    if (value.empty() || value.find('=') != std::string::npos)
        return quote(value) + " is not the name of a variable";
    into.group.drop_variables.push_back(value);
    return fine;
}

complaint nice(draft& into, const std::string& value) {
    std::string_view text = value;
    std::size_t colon = text.find(':');
    if (auto wrong = take_number(into.master.nice, text.substr(0, colon), -20, 19)) return wrong;
    if (colon == std::string_view::npos) return fine;
    return take_number(into.group.worker_nice, text.substr(colon + 1), -20, 19);
}

complaint bind(draft& into, const std::string& value) {
    auto spec = parse_bind_spec(value);
    if (!spec) return spec.error().message;
    into.group.listeners.push_back(std::move(*spec));
    return fine;
}

template <ip_family family>
complaint only_family(draft& into, const std::string& value) {
    if (value == flag_off) return fine;
    if (into.group.family != ip_family::any && into.group.family != family)
        return "--ipv4-only and --ipv6-only exclude each other; leave both out for both families";
    into.group.family = family;
    return fine;
}

complaint backlog(draft& into, const std::string& value) {
    return take_number(into.group.backlog, value, 1, std::numeric_limits<int>::max());
}

complaint manual(draft& into, const std::string& value) {
    core::ack_policy& ack = into.group.policy.ack;
    if (value != flag_off)
        ack = core::ack_manual{into.group.ack_timeout};
    else if (std::holds_alternative<core::ack_manual>(ack))
        ack = core::ack_timer{};
    return fine;
}

complaint ack_mode(draft& into, const std::string& value) {
    if (value == "manual") return manual(into, value);
    if (value == "notify") {
        into.group.policy.ack = core::ack_notify{into.group.ack_timeout};
        return fine;
    }
    core::ack_timer timer;
    if (take_seconds(timer.survive, value))
        return quote(value) + " is not 'manual', 'notify' or a number of seconds";
    into.group.policy.ack = timer;
    return fine;
}

complaint ack_timeout(draft& into, const std::string& value) {
    if (auto wrong = take_seconds(into.group.ack_timeout, value)) return wrong;
    core::ack_policy& ack = into.group.policy.ack;
    if (auto* manual_ack = std::get_if<core::ack_manual>(&ack))
        manual_ack->timeout = into.group.ack_timeout;
    if (auto* notify_ack = std::get_if<core::ack_notify>(&ack))
        notify_ack->timeout = into.group.ack_timeout;
    return fine;
}

complaint retries(draft& into, const std::string& value) {
    return take_number(into.group.policy.retries, value, 0, 1'000'000);
}

/// Whether its default action stops or continues a process, see signal(7).
bool only_pauses(int signal) {
    return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU ||
           signal == SIGCONT;
}

complaint stop_signal(draft& into, const std::string& value) {
    auto signal = core::signal_number(value);
    if (!signal) return quote(value) + " is not a signal; write USR2, TERM, QUIT, ...";
    if (only_pauses(*signal))
        return core::signal_name(*signal) +
               " does not terminate a process; write USR2, TERM, QUIT, ...";
    into.group.policy.stop_signal = *signal;
    return fine;
}

complaint scope(draft& into, const std::string& value) {
    if (value != "leader" && value != "group") return quote(value) + " is not 'leader' or 'group'";
    into.group.signal_scope = value == "group" ? signal_scope::group : signal_scope::leader;
    return fine;
}

complaint what_is_left(draft& into, const std::string& value) {
    if (value != "stop" && value != "keep") return quote(value) + " is not 'stop' or 'keep'";
    into.group.leftovers = value == "keep" ? leftovers::keep : leftovers::stop;
    return fine;
}

complaint socket_mode(draft& into, const std::string& value) {
    auto mode = parse_number(value, 0, 0777, 8);
    if (!mode) return quote(value) + " is not an octal mode like 0660";
    into.master.socket_mode = static_cast<unsigned>(*mode);
    return fine;
}

complaint reexec_as(draft& into, const std::string& value) {
    auto words = split_shell_words(value);
    if (!words) return words.error().message;
    if (words->empty() || (*words)[0].empty()) return "must name a program";
    into.master.reexec_as = std::move(*words);
    return fine;
}

complaint log_lines(draft& into, const std::string& value) {
    if (value != "text" && value != "json") return quote(value) + " is not 'text' or 'json'";
    into.master.log_format = value == "json" ? log_format::json : log_format::text;
    return fine;
}

constexpr bool of_workers = true;
constexpr bool once = false, repeatable = true;
constexpr bool at_start = false, at_run_time = true;

constexpr std::array table{
    option{"Workers", "number", 'n', "COUNT", "workers to run (1)", once, at_run_time,
           count<&core::policy::number>, of_workers},
    option{nullptr, "command-name", 'c', "NAME",
           "name of the group in ps, logs and default paths\n(base name of PROGRAM)", once,
           at_start, command_name},
    option{nullptr, "drop-env-var", 0, "VAR", "do not pass this variable on to workers; repeatable",
           repeatable, at_run_time, drop_env_var, of_workers},
    option{nullptr, "nice", 0, "MASTER[:WORKER]", "niceness of master and workers", once, at_start,
           nice, of_workers},
    option{nullptr, "command-socket-as-fd", 'g', nullptr,
           "give each worker a connected control socket, EINHORN_SOCK_FD", once, at_start,
           set<&group_settings::command_socket_as_fd>, of_workers},
    option{nullptr, "kill-children-on-exit", 'k', nullptr,
           "send SIGUSR2 to the workers when the master dies", once, at_start,
           set<&group_settings::kill_children_on_exit>, of_workers},
    option{nullptr, "preload", 'p', "PATH",
           "a shared object with extern \"C\" int einhorn_main(int, char **),\n"
           "which is loaded once and from which workers are forked",
           once, at_start, word<&group_settings::preload>, of_workers},

    option{"Listeners", "bind", 'b', "SPEC",
           "a listener; repeatable. ADDRESS[,OPT...], where ADDRESS is one of\n"
           "HOST:PORT, :PORT, [IPV6]:PORT, udp:HOST:PORT, /PATH, unix:@NAME,\n"
           "systemd[:NAME], fd:N, and OPT is r (SO_REUSEADDR), n (O_NONBLOCK),\n"
           "so_reuseport, backlog=N, name=WORD, or, of a path, mode=OCTAL,\n"
           "user=NAME, group=NAME",
           repeatable, at_start, bind, of_workers},
    option{nullptr, "ipv4-only", '4', nullptr, "bind only IPv4 addresses", once, at_start,
           only_family<ip_family::v4>, of_workers},
    option{nullptr, "ipv6-only", '6', nullptr, "bind only IPv6 addresses", once, at_start,
           only_family<ip_family::v6>, of_workers},
    option{nullptr, "backlog", 'l', "COUNT", "listen backlog (1024)", once, at_start, backlog,
           of_workers},

    option{"Acknowledgement", "manual", 'm', nullptr, "the same as --ack-mode manual", once,
           at_start, manual, of_workers},
    option{nullptr, "ack-mode", 0, "MODE",
           "when a worker is up: 'manual' (it says so at the control socket),\n'notify' (it sends "
           "READY=1), or a number of seconds survived (1)",
           once, at_run_time, ack_mode, of_workers},
    option{nullptr, "ack-timeout", 0, "SECONDS",
           "time limit of a manual or notify ack; 0 = none (30)", once, at_run_time, ack_timeout,
           of_workers},
    option{nullptr, "retries", 'r', "COUNT",
           "give up after this many retries in a row have failed before their\nack (never)", once,
           at_run_time, retries, of_workers},
    option{nullptr, "seconds", 's', "SECONDS", "base of the pause after a death before the ack (1)",
           once, at_run_time, seconds<&core::policy::seconds>, of_workers},

    option{"Upgrades and stopping", "stop-signal", 0, "SIG",
           "signal that tells a worker to exit (USR2)", once, at_run_time, stop_signal, of_workers},
    option{nullptr, "signal-timeout", 't', "SECONDS",
           "send SIGTERM to a worker this long after it was told to exit,\nand SIGKILL 10 s later; "
           "0 = never (60)",
           once, at_run_time, seconds<&core::policy::signal_timeout>, of_workers},
    option{nullptr, "signal-scope", 0, "WHO",
           "which processes get the stop signal and SIGTERM: 'leader', the\nworker itself, or "
           "'group', its whole process group (leader)",
           once, at_run_time, scope, of_workers},
    option{nullptr, "leftovers", 0, "WHAT",
           "what to do with processes that a worker leaves behind in its\nprocess group: 'stop' or "
           "'keep' (stop)",
           once, at_run_time, what_is_left, of_workers},
    option{nullptr, "max-unacked", 0, "COUNT",
           "most new workers without an ack at any time in an upgrade or while\nfailed attempts "
           "are repeated (number of CPUs)",
           once, at_run_time, count<&core::policy::max_unacked>, of_workers},
    option{nullptr, "max-upgrade-additional", 0, "COUNT",
           "most workers beyond --number in a rolling upgrade (no limit)", once, at_run_time,
           count<&core::policy::max_upgrade_additional>, of_workers},
    option{nullptr, "reexec-as", 0, "CMDLINE",
           "command that replaces the master on reload, split as by a shell\n(its own "
           "program)",
           once, at_start, reexec_as},

    option{"Control socket and files", "socket-path", 'd', "PATH",
           "control socket (/tmp/einhorn.sock, with -c /tmp/einhorn-NAME.sock)", once, at_start,
           socket_path},
    option{nullptr, "socket-mode", 0, "OCTAL", "permissions of the control socket (0600, or 0666)",
           once, at_start, socket_mode},
    option{nullptr, "socket-group", 0, "GROUP",
           "group of the control socket; its members may use all commands", once, at_start,
           word<&master_settings::socket_group>},
    option{nullptr, "pidfile", 'e', "PATH", "write the master's pid there", once, at_start,
           word<&master_settings::pidfile>},
    option{nullptr, "lockfile", 'f', "PATH", "lock held while the master runs (next to the socket)",
           once, at_start, word<&master_settings::lockfile>},

    option{"Logging", "syslog", 0, nullptr, "also send warnings and errors to syslog", once,
           at_start, set<&master_settings::syslog>},
    option{nullptr, "log-format", 0, "FORMAT", "'text' or 'json' lines on standard error (text)",
           once, at_start, log_lines},
    option{nullptr, "verbose", 'v', nullptr, "log debugging messages as well", once, at_start,
           level<verbosity::verbose>},
    option{nullptr, "quiet", 'q', nullptr, "log errors only", once, at_start,
           level<verbosity::quiet>},

    option{"Other", "config", 0, "FILE",
           "run the groups of a TOML file, see einhyrningsins.toml(5);\nexcludes PROGRAM, -n, -b, "
           "-m and -r",
           once, at_start, word<&master_settings::config_file>},
    option{nullptr, "check", 0, nullptr, "check the command line or the file, and exit with 0 or 2",
           once, at_start, ask<request_kind::check>},
    option{nullptr, "help", 'h', nullptr, "print this text", once, at_start,
           ask<request_kind::help>},
    option{nullptr, "version", 0, nullptr, "print the version", once, at_start,
           ask<request_kind::version>},
};

} // namespace

std::span<const option> options() { return table; }

} // namespace einhyrningsins::config
