// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/command_line.hpp"

#include "config/grammar.hpp"
#include "config/option.hpp"
#include "config/quote.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace einhyrningsins::config {
namespace {

/// Sets the defaults that depend on other options.
void fill_in(settings& wishes) {
    master_settings& master = wishes.master;
    group_settings& group = wishes.groups[0];
    const std::string& name = master.command_name;
    if (master.config_file.empty()) group.name = group_name(name, group.command[0]);
    if (master.socket_path.empty())
        master.socket_path = name.empty() ? "/tmp/einhorn.sock" : "/tmp/einhorn-" + name + ".sock";
    if (master.lockfile.empty()) master.lockfile = default_lockfile(master.socket_path);
}

constexpr std::array only_in_file{"number", "bind", "manual", "retries"};

/// Rejects what belongs in the file: these options and a program say nothing about which group they
/// are for.
complaint not_in_file(const draft& from) {
    for (const char* name : only_in_file)
        if (std::ranges::find(from.given, name) != from.given.end())
            return std::string("--") + name + ": with --config, write " +
                   (name == std::string_view("bind") ? "socket_address" : name) +
                   " in a group of the file instead";
    if (from.group.command.empty()) return std::nullopt;
    return quote(from.group.command[0]) +
           ": with --config, name the program in the file, as cmd of a group";
}

complaint without_program(const draft& from) {
    const std::vector<std::string>& command = from.group.command;
    if (!command.empty() && !command[0].empty()) return std::nullopt;
    return "no program to run; usage: einhyrningsins [OPTIONS] [--] PROGRAM [ARGS...]";
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
    bool by_file = !line.wishes.master.config_file.empty();
    if (auto wrong = by_file ? not_in_file(into) : without_program(into)) return text_error{*wrong};
    fill_in(line.wishes);
    return line;
}

} // namespace einhyrningsins::config
