// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/einhorn_command_line.hpp"

#include "config/grammar.hpp"
#include "config/server_word.hpp"

#include <iterator>
#include <utility>

namespace einhyrningsins::config {
namespace {

void set_defaults(settings& wishes, unsigned cpus) {
    wishes.master.personality = personality::einhorn;
    group_settings& group = wishes.groups.emplace_back();
    group.backlog = 100;
    group.ack_timeout = core::duration::zero();
    group.drops_since = 2;
    group.policy.signal_timeout = core::duration::zero();
    group.policy.kill_at_timeout = true;
    group.policy.max_unacked = cpus;
}

complaint bind_server_words(group_settings& group, std::vector<std::string>& warnings) {
    auto sockets = take_server_words(group.command);
    if (!sockets) return sockets.error().message;
    if (sockets->empty()) return std::nullopt;
    group.server_words = static_cast<unsigned>(sockets->size());
    std::move(group.listeners.begin(), group.listeners.end(), std::back_inserter(*sockets));
    group.listeners = std::move(*sockets);
    warnings.push_back("'srv:' words in the program's arguments are deprecated: use -b, and have "
                       "the program read EINHORN_FD_0, EINHORN_FD_1, ...");
    return std::nullopt;
}

} // namespace

void fill_in_einhorn_paths(master_settings& master, std::string directory) {
    while (directory.ends_with('/'))
        directory.pop_back();
    const std::string& name = master.command_name;
    std::string stem = directory + "/einhorn" + (name.empty() ? "" : "-" + name);
    if (master.socket_path.empty()) master.socket_path = stem + ".sock";
    // einhorn holds its lock only for a moment. This master holds it as long as it runs, so the
    // lock must not keep away a second master that has another socket.
    if (master.lockfile.empty()) master.lockfile = default_lockfile(master.socket_path);
    if (master.pidfile.empty()) master.pidfile = stem + ".pid";
}

boost::system::result<command_line, text_error>
parse_einhorn_command_line(const std::vector<std::string>& words, unsigned cpus,
                           std::string temporary_directory) {
    command_line line;
    set_defaults(line.wishes, cpus);
    group_settings& group = line.wishes.groups[0];
    draft into{line.kind, line.wishes.master, group, {}};
    grammar rules{
        .options = einhorn_options(), .abbreviable = einhorn_own_options, .any_value = true};
    if (auto wrong = read_words(rules, words, into)) return text_error{*wrong};
    if (line.kind >= request_kind::help) return line;
    if (group.command.empty()) {
        line.kind = request_kind::usage;
        return line;
    }
    if (group.command[0].empty()) return text_error{"the name of the program is empty"};
    line.warnings = std::move(into.warnings);
    group.name = group_name(line.wishes.master.command_name, group.command[0]);
    fill_in_einhorn_paths(line.wishes.master, std::move(temporary_directory));
    if (auto wrong = bind_server_words(group, line.warnings)) return text_error{*wrong};
    return line;
}

std::string einhorn_usage(bool in_short) {
    std::string text =
        "## Usage\n"
        "\n"
        "    einhorn [OPTIONS] [--] PROGRAM [ARGS...]\n"
        "\n"
        "Binds sockets, runs N copies of PROGRAM on them, keeps them alive, and replaces them\n"
        "without losing a connection. This is einhyrningsins under einhorn's name.\n";
    if (!in_short)
        text += "\n"
                "    einhorn -n 4 -b 127.0.0.1:8080,r -m manual -- ./app\n"
                "    einhornsh -e upgrade\n"
                "\n"
                "A worker has EINHORN_FD_COUNT sockets: the descriptors EINHORN_FD_0, "
                "EINHORN_FD_1, ...\n"
                "With -m manual it reports that it is up by writing\n"
                "{\"command\": \"worker:ack\", \"pid\": PID} and a newline to EINHORN_SOCK_PATH.\n"
                "See einhorn(1), einhornsh(1) and einhyrningsins-protocol(7).\n";
    return text + describe(einhorn_options());
}

} // namespace einhyrningsins::config
