// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/configuration.hpp"

#include "config/einhorn_command_line.hpp"
#include "config/firestarter_command_line.hpp"
#include "config/toml_file.hpp"
#include "core/socket_path.hpp"
#include "os/files.hpp"
#include "os/own_process.hpp"

#include <cstdlib>
#include <utility>

namespace einhyrningsins::master {
namespace {

constexpr std::size_t largest_file = 16 * 1024 * 1024;

config::firestarter_place place_of_firestarter() {
    const char* name = std::getenv("FIRESTARTER_APP_NAME");
    return {os::temporary_directory(), name ? name : ""};
}

auto parse(config::personality who, const std::vector<std::string>& words) {
    using enum config::personality;
    unsigned cpus = os::available_cpus();
    if (who == firestarter)
        return config::parse_firestarter_command_line(words, cpus, place_of_firestarter());
    if (who != einhorn) return config::parse_command_line(words, cpus);
    return config::parse_einhorn_command_line(words, cpus, os::temporary_directory());
}

/// The paths of control sockets that nobody has written, but that follow from a name or from the
/// environment.
configuration with_sound_sockets(config::command_line line) {
    std::vector<std::string> paths{line.wishes.master.socket_path};
    for (const config::group_settings& group : line.wishes.groups)
        paths.push_back(group.control_socket);
    for (const std::string& path : paths)
        if (auto wrong = core::complain_of_socket_path(path))
            return misconfiguration{
                {"control socket " + path + ": " + *wrong},
                config::traits_of(line.wishes.master.personality).exit_code_of_misuse};
    return line;
}

} // namespace

configuration configure(config::personality who, const std::vector<std::string>& words,
                        const std::vector<std::string>& environment) {
    auto parsed = parse(who, words);
    if (!parsed)
        return misconfiguration{{parsed.error().message},
                                config::traits_of(who).exit_code_of_misuse};
    if (parsed->kind >= config::request_kind::help) return std::move(*parsed);
    if (parsed->wishes.master.config_file.empty()) return with_sound_sockets(std::move(*parsed));
    return with_groups_of_file(std::move(*parsed), environment);
}

configuration with_groups_of_file(config::command_line line,
                                  const std::vector<std::string>& environment) {
    const std::string& name = line.wishes.master.config_file;
    auto text = os::read_file(name, largest_file);
    if (!text) return misconfiguration{{"--config: " + text.error().message()}, 1};
    auto groups = config::read_toml_file({name, *text, line.wishes.groups[0], environment});
    if (!groups) return misconfiguration{std::move(groups.error()), 2};
    line.wishes.groups = std::move(*groups);
    if (config::traits_of(line.wishes.master.personality).has_group_sockets)
        config::fill_in_firestarter_sockets(line.wishes, place_of_firestarter());
    return with_sound_sockets(std::move(line));
}

} // namespace einhyrningsins::master
