// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/command_line.hpp"

#include "config/grammar.hpp"
#include "config/option.hpp"

namespace einhyrningsins::config {
namespace {

/// What follows from other options.
void fill_in(settings& wishes) {
    master_settings& master = wishes.master;
    group_settings& group = wishes.groups[0];
    const std::string& name = master.command_name;
    group.name = group_name(name, group.command[0]);
    if (master.socket_path.empty())
        master.socket_path = name.empty() ? "/tmp/einhorn.sock" : "/tmp/einhorn-" + name + ".sock";
    if (master.lockfile.empty()) master.lockfile = default_lockfile(master.socket_path);
}

} // namespace

std::string group_name(const std::string& command_name, const std::string& program) {
    return command_name.empty() ? program.substr(program.rfind('/') + 1) : command_name;
}

std::string default_lockfile(std::string socket_path) {
    if (socket_path.ends_with(".sock")) socket_path.resize(socket_path.size() - 5);
    return socket_path + ".lock";
}

boost::system::result<command_line, text_error>
parse_command_line(const std::vector<std::string>& words, unsigned cpus) {
    command_line line;
    group_settings& group = line.wishes.groups.emplace_back();
    group.policy.max_unacked = cpus;
    draft into{line.kind, line.wishes.master, group};
    if (auto wrong = read_words({.options = options()}, words, into)) return text_error{*wrong};
    if (line.kind >= request_kind::help) return line;
    if (group.command.empty() || group.command[0].empty())
        return text_error{
            "no program to run; usage: einhyrningsins [OPTIONS] [--] PROGRAM [ARGS...]"};
    fill_in(line.wishes);
    return line;
}

} // namespace einhyrningsins::config
