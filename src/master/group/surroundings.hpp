// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "core/worker.hpp"
#include "handoff/state.hpp"
#include "loop/background.hpp"
#include "os/credentials.hpp"
#include "os/unique_fd.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::master {

class control_server;
class path_watcher;
class pid_table;
class socket_files;
class worker_logs;

/// What all groups of a master share, and what their workers inherit from it.
struct surroundings {
    std::vector<std::string> environment; ///< that the master was started with
    core::process_id master_pid = 0;
    bool keeps_leftovers = false;  ///< for groups that do not say, see config::personality_traits
    std::string socket_path;       ///< absolute, of the control socket
    std::string working_directory; ///< as the user wrote it, symbolic links and all
    /// Opens the control socket that a group has for itself, see the constructor of
    /// control_server. `workers_are_others`: they run as another user than the master.
    std::function<std::unique_ptr<control_server>(const config::group_settings&,
                                                  bool workers_are_others,
                                                  const std::optional<handoff::control_socket>&)>
        open_control;
    /// Serves our end of a control socket that a worker was given (-g), which has that pid and runs
    /// as that user.
    std::function<void(os::unique_fd, os::peer)> adopt;
    /// Whether a child of the master is known as something: a worker of any group, the upgrader of
    /// one, or the trial run of a reload, say.
    std::function<bool(core::process_id)> is_known_child;
    /// Whether children may have been reaped whose deaths nobody has been told.
    std::function<bool()> may_miss_deaths;
    /// The workers of a group may run as another user than before.
    std::function<void()> users_changed;
    loop::background* look_ups = nullptr; ///< name servers and the user database; always there
    pid_table* workers = nullptr;         ///< of all groups; always there
    path_watcher* paths = nullptr;        ///< always there
    worker_logs* logs = nullptr;          ///< of all groups
    socket_files* files = nullptr;        ///< always there
};

/// The absolute path of the control socket that a group has for itself; empty: it has none.
std::string control_path(const config::group_settings& wishes, const surroundings& around);

/// The directories where workers' programs are looked for: PATH in `environment`.
std::string search_path(const std::vector<std::string>& environment);

/// Where the workers of a group run.
std::string directory_of(const config::group_settings& wishes, const surroundings& around);

} // namespace einhyrningsins::master
