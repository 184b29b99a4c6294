// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/worker.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace einhyrningsins::config {

/// The properties of a listener that workers are told.
struct listener_facts {
    std::string family;             ///< "AF_INET", "AF_INET6", "AF_UNIX"
    std::string name;               ///< for LISTEN_FDNAMES; empty: that of the group
    std::string server_starter_key; ///< for SERVER_STARTER_PORT; empty: left out
};

/// What the environment of workers is made from (SPEC 7.1).
struct environment_facts {
    std::vector<std::string> inherited; ///< that of the master, "NAME=value"
    std::vector<std::string> dropped;   ///< --drop-env-var
    std::vector<std::string> added;     ///< override inherited ones; the last of a name counts
    core::process_id master_pid = 0;
    std::string socket_path;               ///< absolute
    std::string group_name;                ///< for LISTEN_FDNAMES, see to_descriptor_name()
    bool socket_as_fd = false;             ///< -g: the descriptor after the last listener
    std::vector<listener_facts> listeners; ///< from descriptor 3 on
    /// This many of the listeners, from the first, are not in EINHORN_FD_*.
    std::size_t server_words = 0;
    core::generation generation = 0;
    std::string notify_address; ///< empty: no NOTIFY_SOCKET
    /// The prefix of firestarter's variables; empty: these are not set.
    std::string variable_prefix;
    std::string group_socket_path; ///< the group's own control socket, absolute; empty: it has none
};

/// The environment of the workers of one generation. "LISTEN_PID=" (only with listeners) and
/// "EINHORN_CHILD_INDEX=" have no value, as it is different for each worker. `dropped` affects
/// inherited variables only; variables of the master itself are always set and override `added`.
std::vector<std::string> worker_environment(const environment_facts& facts);

} // namespace einhyrningsins::config
