// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/surroundings.hpp"

#include "os/own_process.hpp"

namespace einhyrningsins::master {

std::string search_path(const std::vector<std::string>& environment) {
    for (const std::string& entry : environment)
        if (entry.starts_with("PATH=")) return entry.substr(5);
    return "/bin:/usr/bin"; // as execvp(3) has it
}

std::string control_path(const config::group_settings& wishes, const surroundings& around) {
    const std::string& path = wishes.control_socket;
    return path.empty() ? path : os::absolute_path(path, around.working_directory);
}

std::string directory_of(const config::group_settings& wishes, const surroundings& around) {
    if (wishes.working_directory.empty()) return around.working_directory;
    return os::absolute_path(wishes.working_directory, around.working_directory);
}

} // namespace einhyrningsins::master
