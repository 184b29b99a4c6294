// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/firestarter_command_line.hpp"
#include "core/assert.hpp"

#include "config/grammar.hpp"
#include "config/quote.hpp"

#include <array>

namespace einhyrningsins::config {
namespace {

/// Each uses the `take` of the einhyrningsins option of the same name.
std::array table{
    option{"Groups", "config", 'c', "FILE", "the groups, in TOML; see einhyrningsins.toml(5)"},
    option{nullptr, "check", 0, nullptr, "check the file, and exit with 0 or 2"},

    option{"Control socket and files", "socket-path", 'd', "PATH",
           "the daemon's socket ($TMPDIR/firestarter-control.socket)"},
    option{nullptr, "socket-mode", 0, "OCTAL", "permissions of the sockets (0600)"},
    option{nullptr, "socket-group", 0, "GROUP",
           "group of the sockets; its members may use all commands"},
    option{nullptr, "pidfile", 0, "PATH", "write the daemon's pid there"},
    option{nullptr, "lockfile", 0, "PATH", "lock held while the daemon runs (next to the socket)"},

    option{"Other", "reexec-as", 0, "CMDLINE",
           "command that replaces the daemon on reload, split as by a shell\n(its own "
           "program)"},
    option{nullptr, "syslog", 0, nullptr, "also send warnings and errors to syslog"},
    option{nullptr, "log-format", 0, "FORMAT", "'text' or 'json' lines on standard error (text)"},
    option{nullptr, "quiet", 'q', nullptr, "log errors only"},
    option{nullptr, "verbose", 'v', nullptr, "log debugging messages as well"},
    option{nullptr, "help", 'h', nullptr, "print this text"},
    option{nullptr, "version", 'V', nullptr, "print the version"},
};

std::span<const option> complete(std::span<option> all) {
    for (option& one : all) {
        const option* ours = find_option(one.name);
        assert(ours);
        one.take = ours->take;
    }
    return all;
}

text_error wrong(std::string what) { return {std::move(what)}; }

} // namespace

std::string firestarter_socket(const firestarter_place& where, const std::string& group) {
    std::string path = where.directory;
    while (path.ends_with('/'))
        path.pop_back();
    const std::string& name = where.app_name;
    return path + "/" + (name.empty() ? "firestarter" : name) + "-" + group + ".socket";
}

std::span<const option> firestarter_options() {
    static const std::span<const option> all = complete(table);
    return all;
}

boost::system::result<command_line, text_error>
parse_firestarter_command_line(const std::vector<std::string>& words, unsigned cpus,
                               const firestarter_place& where) {
    command_line line;
    master_settings& master = line.wishes.master;
    group_settings& base = line.wishes.groups.emplace_back();
    master.personality = personality::firestarter;
    base.policy.max_unacked = cpus;
    draft into{line.kind, master, base};
    if (words.empty() || words[0] != "run") return wrong("the first word must be 'run'");
    grammar rules{.options = firestarter_options(), .abbreviable = table.size()};
    if (auto what = read_words(rules, {words.begin() + 1, words.end()}, into)) return wrong(*what);
    if (line.kind >= request_kind::help) return line;
    if (!base.command.empty())
        return wrong(quote(base.command[0]) +
                     " is not expected here: programs are named in the file");
    if (master.config_file.empty())
        return wrong("no file of groups; usage: firestarter run -c FILE [-d PATH]");
    if (master.socket_path.empty()) master.socket_path = firestarter_socket(where, "control");
    if (master.lockfile.empty()) master.lockfile = default_lockfile(master.socket_path);
    return line;
}

void fill_in_firestarter_sockets(settings& wishes, const firestarter_place& where) {
    for (group_settings& group : wishes.groups)
        if (group.control_socket.empty())
            group.control_socket = firestarter_socket(where, group.name);
}

std::string firestarter_usage() {
    return "usage: firestarter run -c FILE [-d PATH] [OPTIONS]\n"
           "Runs the groups of a TOML file, and stays in the foreground.\n"
           "\n"
           "TMPDIR is /tmp by default; FIRESTARTER_APP_NAME in the environment replaces\n"
           "'firestarter' in the paths of sockets. See firestarter(1).\n" +
           describe(firestarter_options());
}

} // namespace einhyrningsins::config
