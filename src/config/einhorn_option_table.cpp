// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/einhorn_command_line.hpp"
#include "config/number.hpp"
#include "config/quote.hpp"
#include "core/assert.hpp"

#include <algorithm>
#include <array>

namespace einhyrningsins::config {
namespace {

constexpr complaint fine = std::nullopt;

/// Passes the value to the einhyrningsins option of that name.
complaint take_as_ours(const char* name, draft& into, const std::string& value) {
    return find_option(name)->take(into, value);
}

/// einhorn has three levels; each -v or -q moves by one.
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

/// 0 means immediately here, but never in the settings.
complaint signal_timeout(draft& into, const std::string& value) {
    if (auto wrong = take_as_ours("signal-timeout", into, value)) return wrong;
    core::duration& patience = into.group.policy.signal_timeout;
    patience = std::max(patience, core::duration(1));
    return fine;
}

/// With 0, no upgrade could ever begin; einhorn's 0 lets one worker through as well.
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
                                " is not run: the master sets the niceness itself");
    return fine;
}

/// For --gc-before-fork: there is no garbage to collect.
complaint nothing(draft&, const std::string&) { return fine; }

complaint trial(draft& into, const std::string&) {
    into.kind = std::max(into.kind, request_kind::trial);
    return fine;
}

/// Options without a `take` of their own use that of the einhyrningsins option of the same name,
/// see complete().
std::array einhorn_table{
    option{"Workers", "number", 'n', "N", "workers to run (1)"},
    option{nullptr, "command-name", 'c', "NAME",
           "name of this einhorn in ps and in the default paths"},
    option{nullptr, "drop-env-var", 0, "VAR",
           "do not pass this variable on to workers from the next upgrade on;\nrepeatable", true},
    option{.name = "nice",
           .argument = "MASTER[:WORKER[:RENICE_CMD]]",
           .help = "niceness of master and workers; RENICE_CMD is not needed",
           .take = nice},
    option{nullptr, "command-socket-as-fd", 'g', nullptr,
           "give each worker a connected control socket, EINHORN_SOCK_FD"},
    option{nullptr, "kill-children-on-exit", 'k', nullptr,
           "send SIGUSR2 to the workers when the master dies"},
    option{nullptr, "preload", 'p', "PATH",
           "a shared object with einhorn_main, which is loaded once and from which\n"
           "workers are forked. Ruby code is not loaded: workers are executed as\nwithout -p"},
    option{.name = "gc-before-fork", .help = "accepted, but has no effect", .take = nothing},

    option{"Sockets", "bind", 'b', "ADDR",
           "a socket for the workers, ADDRESS:PORT[,OPT...]; repeatable. OPT is\n"
           "r (SO_REUSEADDR) or n (O_NONBLOCK); see also einhyrningsins(1)",
           true},
    option{nullptr, "backlog", 'l', "N", "listen backlog (100)"},

    option{"Acknowledgement", "ack-mode", 'm', "MODE",
           "when a worker is up: 'manual' (it says so at the control socket), or\n"
           "a number of seconds survived (1)"},
    option{.name = "seconds",
           .letter = 's',
           .argument = "N",
           .help = "base of the pause after a death before the ack (1)",
           .take = seconds},

    option{.heading = "Upgrades and stopping",
           .name = "signal-timeout",
           .letter = 't',
           .argument = "T",
           .help = "send SIGKILL to a worker this many seconds after it was told to\nexit (never)",
           .take = signal_timeout},
    option{nullptr, "max-unacked", 0, "N",
           "most new workers without an ack at any time in an upgrade\n(number of CPUs)"},
    option{.name = "max-upgrade-additional",
           .argument = "N",
           .help = "most workers beyond --number in an upgrade, at least 1 (no limit)",
           .take = max_upgrade_additional},
    option{nullptr, "reexec-as", 0, "CMDLINE",
           "command that replaces the master on upgrade, split as by a shell"},
    option{.name = "upgrade-check",
           .help = "internal: succeeds if this program can be executed",
           .take = trial},

    option{"Control socket and files", "socket-path", 'd', "PATH",
           "control socket ($TMPDIR/einhorn.sock, with -c einhorn-NAME.sock)"},
    option{nullptr, "pidfile", 'e', "PATH",
           "file for the master's pid ($TMPDIR/einhorn.pid, or einhorn-NAME.pid)"},
    option{nullptr, "lockfile", 'f', "PATH",
           "lock held while the master runs (next to the socket)"},

    option{.heading = "Other",
           .name = "quiet",
           .letter = 'q',
           .help = "log less: errors only, or normally after -v",
           .take = change_verbosity<-1>},
    option{.name = "verbose",
           .letter = 'v',
           .help = "log more: debugging messages as well, or normally after -q",
           .take = change_verbosity<+1>},
    option{nullptr, "help", 'h', nullptr, "print this text"},
    option{nullptr, "version", 0, nullptr, "print the version"},

    option{"Beyond einhorn, see einhyrningsins(1)", "ack-timeout", 0, "SECONDS",
           "time limit of a manual ack; 0 = none (0)"},
    option{nullptr, "retries", 0, "COUNT",
           "give up after this many retries in a row have failed before their\nack (never)"},
    option{nullptr, "stop-signal", 0, "SIG", "signal that tells a worker to exit (USR2)"},
    option{nullptr, "signal-scope", 0, "WHO",
           "which processes get the stop signal: 'leader', the worker itself, or\n'group', its "
           "whole process group (leader)"},
    option{nullptr, "leftovers", 0, "WHAT",
           "what to do with processes that a worker leaves behind in its process\ngroup: 'stop' or "
           "'keep' (keep)"},
    option{nullptr, "socket-mode", 0, "OCTAL", "permissions of the control socket (0600)"},
    option{nullptr, "socket-group", 0, "GROUP",
           "group of the control socket; its members may use all commands"},
    option{nullptr, "syslog", 0, nullptr, "also send warnings and errors to syslog"},
    option{nullptr, "log-format", 0, "FORMAT", "'text' or 'json' lines on standard error (text)"},
    option{nullptr, "check", 0, nullptr, "check the command line, and exit with 0 or 1"},
};

constexpr std::size_t beyond_einhorn = 10;

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
