// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/bind_spec.hpp"
#include "config/log_spec.hpp"
#include "config/personality.hpp"
#include "core/policy.hpp"
#include "core/worker.hpp"

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::config {

enum class ip_family { any, v4, v6 };
BOOST_DESCRIBE_ENUM(ip_family, any, v4, v6)
enum class log_format { text, json };
BOOST_DESCRIBE_ENUM(log_format, text, json)
enum class verbosity { quiet, normal, verbose };
BOOST_DESCRIBE_ENUM(verbosity, quiet, normal, verbose)

/// Which processes get the stop signal: that of the worker, or its whole process group.
enum class signal_scope { leader, group };
BOOST_DESCRIBE_ENUM(signal_scope, leader, group)
/// What is done with processes that a worker leaves behind in its process group.
enum class leftovers { stop, keep };
BOOST_DESCRIBE_ENUM(leftovers, stop, keep)

/// The maximum number of workers of a group.
constexpr unsigned most_workers = 10000;

/// Everything that a user can configure about one group of workers.
struct group_settings {
    std::string name;                 ///< -c; by default the base name of the program
    std::vector<std::string> command; ///< the program and its arguments
    core::policy policy;
    /// --ack-timeout. Also stored in policy.ack if that has a deadline; kept here for a later
    /// change of the ack mode. Zero: no limit.
    core::duration ack_timeout = std::chrono::seconds(30);
    std::vector<bind_spec> listeners;
    /// This many of the listeners, from the first, were "srv:" words of the command. The command
    /// contains their numbers, and EINHORN_FD_0 is the first listener after them.
    unsigned server_words = 0;
    ip_family family = ip_family::any;
    int backlog = 1024;
    std::vector<std::string> drop_variables; ///< --drop-env-var
    core::generation drops_since = 1;        ///< the first generation without them
    bool command_socket_as_fd = false;       ///< -g
    bool kill_children_on_exit = false;      ///< -k
    std::optional<int> worker_nice;
    config::signal_scope signal_scope = config::signal_scope::leader;
    std::optional<config::leftovers> leftovers; ///< nothing: as the personality has it
    std::string preload;                        ///< -p: a shared object; empty: none

    // Only in a TOML file (SPEC section 6):

    std::string working_directory;        ///< empty: the master's
    std::vector<std::string> environment; ///< "NAME=value", added to the master's
    /// environment_base_name, the beginning of "..._FD_COUNT" etc.; empty: no such variables.
    std::string variable_prefix;
    std::string user;  ///< uid, by name or number; empty: the master's
    std::string group; ///< gid, by name or number; empty: the user's primary group, or the master's
    std::optional<log_spec> stdout_log;
    std::optional<log_spec> stderr_log;
    std::vector<std::string> stop_command; ///< exec_stop; empty: none
    bool auto_upgrade = false;
    std::vector<std::string> upgrader; ///< empty: none
    core::duration upgrader_timeout = std::chrono::seconds(300);
    core::duration upgrader_interval{}; ///< upgrader_active_sec; zero: only before upgrades
    std::string control_socket;         ///< of the group alone; empty: as the personality has it
    bool operator==(const group_settings&) const = default;
};
BOOST_DESCRIBE_STRUCT(group_settings, (),
                      (name, command, policy, ack_timeout, listeners, server_words, family, backlog,
                       drop_variables, drops_since, command_socket_as_fd, kill_children_on_exit,
                       worker_nice, signal_scope, leftovers, preload, working_directory,
                       environment, variable_prefix, user, group, stdout_log, stderr_log,
                       stop_command, auto_upgrade, upgrader, upgrader_timeout, upgrader_interval,
                       control_socket))

/// Everything that a user can configure about the master.
struct master_settings {
    config::personality personality = config::personality::einhyrningsins;
    std::string command_name; ///< -c as given, for ps and the default paths; may be empty
    std::string socket_path;  ///< never empty after parsing: by default /tmp/einhorn[-NAME].sock
    std::optional<unsigned> socket_mode; ///< nothing: 0600, or 0666 if workers are other users
    std::string socket_group;            ///< by name or number; empty: none
    std::string pidfile;                 ///< empty: none
    std::string lockfile; ///< never empty after parsing: by default next to the control socket
    std::optional<int> nice;
    bool syslog = false;
    config::log_format log_format = config::log_format::text;
    config::verbosity verbosity = config::verbosity::normal;
    std::vector<std::string> reexec_as; ///< --reexec-as: the command that replaces the master on
                                        ///< reload; empty: its program
    std::string config_file;            ///< --config; empty: the group is on the command line
};
BOOST_DESCRIBE_STRUCT(master_settings, (),
                      (personality, command_name, socket_path, socket_mode, socket_group, pidfile,
                       lockfile, nice, syslog, log_format, verbosity, reexec_as, config_file))

/// Everything that a user can configure, as plain data with the defaults of SPEC section 3.
struct settings {
    master_settings master;
    std::vector<group_settings> groups;
};

} // namespace einhyrningsins::config
