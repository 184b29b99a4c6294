// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/einhorn_command_line.hpp"
#include "config/number.hpp"
#include "config/quote.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace einhyrningsins::config {
namespace {

constexpr complaint fine = std::nullopt;

/// Has the option of that name in our own grammar take the value.
complaint take_as_ours(const char* name, draft& into, const std::string& value) {
    return find_option(name)->take(into, value);
}

/// einhorn has three levels, and an option goes one step.
template <int step>
complaint change_verbosity(draft& into, const std::string&) {
    constexpr std::array levels{verbosity::quiet, verbosity::normal, verbosity::verbose};
    int now = static_cast<int>(into.master.verbosity);
    into.master.verbosity = levels[static_cast<std::size_t>(std::clamp(now + step, 0, 2))];
    return fine;
}

complaint seconds(draft& into, const std::string& value) {
    if (auto wrong = take_as_ours("seconds", into, value)) return wrong;
    if (into.group.policy.seconds == core::duration::zero()) return "must be more than 0";
    return fine;
}

/// 0 means at once; in the settings that would be never.
complaint signal_timeout(draft& into, const std::string& value) {
    if (auto wrong = take_as_ours("signal-timeout", into, value)) return wrong;
    core::duration& patience = into.group.policy.signal_timeout;
    patience = std::max(patience, core::duration(1));
    return fine;
}

/// Without a single one no upgrade would ever begin; einhorn's 0 lets one through as well.
complaint max_upgrade_additional(draft& into, const std::string& value) {
    return take_as_ours("max-upgrade-additional", into, value == "0" ? "1" : value);
}

complaint nice(draft& into, const std::string& value) {
    std::size_t colon = value.find(':');
    std::size_t second = colon == value.npos ? value.npos : value.find(':', colon + 1);
    std::string levels = value.substr(0, second);
    if (levels.ends_with(':')) levels.pop_back();
    if (auto wrong = take_as_ours("nice", into, levels)) return wrong;
    if (second != value.npos && second + 1 < value.size())
        into.warnings.push_back("--nice: " + quote(value.substr(second + 1)) +
                                " is not run: the master sets niceness by itself");
    return fine;
}

/// There is no garbage to collect.
complaint nothing(draft&, const std::string&) { return fine; }

complaint trial(draft& into, const std::string&) {
    into.kind = std::max(into.kind, request_kind::trial);
    return fine;
}

/// Options without a function of their own do what ours of that name do.
std::array einhorn_table{
    option{"Workers", "number", 'n', "N", "workers to run (1)"},
    option{nullptr, "command-name", 'c', "NAME",
           "name of this einhorn, in ps and in the default paths"},
    option{nullptr, "drop-env-var", 0, "VAR",
           "a variable that workers do not get from the next upgrade on; repeatable", true},
    option{.name = "nice",
           .argument = "MASTER[:WORKER[:RENICE_CMD]]",
           .help = "niceness of master and workers; RENICE_CMD is not needed",
           .take = nice},
    option{nullptr, "command-socket-as-fd", 'g', nullptr,
           "give each worker a connected control socket, EINHORN_SOCK_FD"},
    option{nullptr, "kill-children-on-exit", 'k', nullptr,
           "workers get SIGUSR2 if the master dies, however it dies"},
    option{nullptr, "preload", 'p', "PATH",
           "a shared object with einhorn_main: loaded once, and workers are forked\n"
           "from it. Ruby code is not loaded: workers are executed as without -p"},
    option{.name = "gc-before-fork",
           .help = "accepted; has no effect, since there is no garbage",
           .take = nothing},

    option{"Sockets", "bind", 'b', "ADDR",
           "a socket for the workers, ADDRESS:PORT[,OPT...]; repeatable. OPT is\n"
           "r (SO_REUSEADDR) or n (O_NONBLOCK), and what einhyrningsins(1) knows",
           true},
    option{nullptr, "backlog", 'l', "N", "listen backlog (100)"},

    option{"Acknowledgement", "ack-mode", 'm', "MODE",
           "when a worker is up: 'manual' (it says so at the control socket), or\n"
           "seconds survived (1)"},
    option{.name = "seconds",
           .letter = 's',
           .argument = "N",
           .help = "base of the pause after a death before ack (1)",
           .take = seconds},

    option{.heading = "Upgrades and stopping",
           .name = "signal-timeout",
           .letter = 't',
           .argument = "T",
           .help = "seconds until a worker that was told to go gets SIGKILL (never)",
           .take = signal_timeout},
    option{nullptr, "max-unacked", 0, "N",
           "new workers unacked at once in an upgrade (number of CPUs)"},
    option{.name = "max-upgrade-additional",
           .argument = "N",
           .help = "workers over --number during an upgrade, at least 1 (no limit)",
           .take = max_upgrade_additional},
    option{nullptr, "reexec-as", 0, "CMDLINE",
           "what to execute in the master's place on upgrade, split as a shell does"},
    option{.name = "upgrade-check",
           .help = "internal: whether this program can be executed",
           .take = trial},

    option{"Control socket and files", "socket-path", 'd', "PATH",
           "control socket ($TMPDIR/einhorn.sock, with -c einhorn-NAME.sock)"},
    option{nullptr, "pidfile", 'e', "PATH",
           "file of the master's pid ($TMPDIR/einhorn.pid, or einhorn-NAME.pid)"},
    option{nullptr, "lockfile", 'f', "PATH",
           "lock held while the master lives (next to the socket)"},

    option{.heading = "Other",
           .name = "quiet",
           .letter = 'q',
           .help = "log less: errors only; after -v as usual",
           .take = change_verbosity<-1>},
    option{.name = "verbose",
           .letter = 'v',
           .help = "log more: debugging messages, too; after -q as usual",
           .take = change_verbosity<+1>},
    option{nullptr, "help", 'h', nullptr, "this text"},
    option{nullptr, "version", 0, nullptr, "the version"},

    option{"Beyond einhorn, see einhyrningsins(1)", "ack-timeout", 0, "SECONDS",
           "how long a manual ack may take; 0 = for ever (0)"},
    option{nullptr, "retries", 0, "COUNT",
           "give up after so many retries in a row that died before their ack\n(never)"},
    option{nullptr, "stop-signal", 0, "SIG", "what tells a worker to go (USR2)"},
    option{nullptr, "socket-mode", 0, "OCTAL", "permissions of the control socket (0600)"},
    option{nullptr, "socket-group", 0, "GROUP",
           "group of the control socket; its members are operators"},
    option{nullptr, "syslog", 0, nullptr, "warnings and errors also go to syslog"},
    option{nullptr, "log-format", 0, "FORMAT", "'text' or 'json' lines on standard error (text)"},
    option{nullptr, "check", 0, nullptr,
           "say what is wrong with the command line, and exit 0 or 1"},
};

constexpr std::size_t beyond_einhorn = 8;

std::span<const option> complete(std::span<option> table) {
    for (option& one : table) {
        const option* ours = find_option(one.name);
        assert(one.take || ours);
        if (!one.take) one.take = ours->take;
    }
    return table;
}

} // namespace

const std::size_t einhorn_own_options = einhorn_table.size() - beyond_einhorn;

std::span<const option> einhorn_options() {
    static const std::span<const option> table = complete(einhorn_table);
    return table;
}

} // namespace einhyrningsins::config
