// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/bind_spec.hpp"
#include "config/log_spec.hpp"
#include "config/personality.hpp"
#include "core/policy.hpp"
#include "core/worker.hpp"

#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::config {

enum class ip_family { any, v4, v6 };
enum class log_format { text, json };
enum class verbosity { quiet, normal, verbose };

/// How many workers a group has at most.
constexpr unsigned most_workers = 10000;

/// What a user can ask for about one group of workers.
struct group_settings {
    std::string name;                 ///< -c, else the base name of the program
    std::vector<std::string> command; ///< the program and its arguments
    core::policy policy;
    /// --ack-timeout, in policy.ack as well where that has a deadline; kept for a later change of
    /// the ack mode. Zero: for ever.
    core::duration ack_timeout = std::chrono::seconds(30);
    std::vector<bind_spec> listeners;
    /// So many of the listeners, from the first, were "srv:" words of the command: their numbers
    /// are in it, and EINHORN_FD_0 is the first after them.
    unsigned server_words = 0;
    ip_family family = ip_family::any;
    int backlog = 1024;
    std::vector<std::string> drop_variables; ///< --drop-env-var
    core::generation drops_since = 1;        ///< the first generation that does not get them
    bool command_socket_as_fd = false;       ///< -g
    bool kill_children_on_exit = false;      ///< -k
    std::optional<int> worker_nice;
    std::string preload; ///< -p: a shared object; empty: none

    // What only a TOML file can ask for (SPEC section 6).

    std::string working_directory;        ///< empty: the master's
    std::vector<std::string> environment; ///< "NAME=value", added to the master's
    /// environment_base_name, in front of "_FD_COUNT" and its like; empty: no such variables.
    std::string variable_prefix;
    std::string user;  ///< uid: name or number; empty: the master's
    std::string group; ///< gid: name or number; empty: the user's own, or the master's
    std::optional<log_spec> stdout_log;
    std::optional<log_spec> stderr_log;
    std::vector<std::string> stop_command; ///< exec_stop; empty: none
    bool auto_upgrade = false;
    std::vector<std::string> upgrader; ///< empty: none
    core::duration upgrader_timeout = std::chrono::seconds(300);
    core::duration upgrader_interval{}; ///< upgrader_active_sec; zero: never by itself
    std::string control_socket;         ///< of the group alone; empty: by the personality
};

/// What a user can ask for about the master.
struct master_settings {
    config::personality personality = config::personality::einhyrningsins;
    std::string command_name; ///< -c as given, for ps and the default paths; may be empty
    std::string socket_path; ///< always set after parsing: /tmp/einhorn.sock or with the name in it
    std::optional<unsigned> socket_mode; ///< nothing: 0600, or 0666 for workers of others
    std::string socket_group;            ///< name or number; empty: none
    std::string pidfile;                 ///< empty: none
    std::string lockfile; ///< always set after parsing: default next to the control socket
    std::optional<int> nice;
    bool syslog = false;
    config::log_format log_format = config::log_format::text;
    config::verbosity verbosity = config::verbosity::normal;
    std::vector<std::string>
        reexec_as;           ///< --reexec-as: the words that replace the program on reload
    std::string config_file; ///< --config, with the groups; empty: they are on the command line
};

/// Everything a user can ask for. Plain data with the defaults of SPEC section 3.
struct settings {
    master_settings master;
    std::vector<group_settings> groups;
};

} // namespace einhyrningsins::config
