// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "core/worker.hpp"
#include "handoff/state.hpp"
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
class worker_logs;

/// What all groups of a master share, and what their workers inherit from it.
struct surroundings {
    std::vector<std::string> environment; ///< that the master was started with
    core::process_id master_pid = 0;
    std::string socket_path;       ///< absolute, of the control socket
    std::string working_directory; ///< as the user wrote it, symbolic links and all
    /// Opens the control socket that a group has for itself; throws start_failure.
    std::function<std::unique_ptr<control_server>(const config::group_settings&,
                                                  const std::optional<handoff::control_socket>&)>
        open_control;
    /// Serves our end of a control socket that a worker was given (-g).
    std::function<void(os::unique_fd, os::peer)> adopt;
    path_watcher* paths = nullptr; ///< always there
    worker_logs* logs = nullptr;   ///< of all groups
};

/// The absolute path of the control socket that a group has for itself; empty: it has none.
std::string control_path(const config::group_settings& wishes, const surroundings& around);

/// The directories where workers' programs are looked for: PATH in `environment`.
std::string search_path(const std::vector<std::string>& environment);

/// Where the workers of a group run.
std::string directory_of(const config::group_settings& wishes, const surroundings& around);

} // namespace einhyrningsins::master
