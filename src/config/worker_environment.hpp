// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/worker.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace einhyrningsins::config {

/// What a worker is told about one inherited listener.
struct listener_facts {
    std::string family;             ///< "AF_INET", "AF_INET6", "AF_UNIX"
    std::string name;               ///< for LISTEN_FDNAMES; empty: the group's
    std::string server_starter_key; ///< for SERVER_STARTER_PORT; empty: left out
};

/// What a worker's environment is made from (SPEC 7.1).
struct environment_facts {
    std::vector<std::string> inherited; ///< the master's own, "NAME=value"
    std::vector<std::string> dropped;   ///< --drop-env-var
    std::vector<std::string> added;     ///< in place of inherited ones; of two the last counts
    core::process_id master_pid = 0;
    std::string socket_path;   ///< absolute
    std::string group_name;    ///< for LISTEN_FDNAMES; what that cannot carry becomes '_'
    bool socket_as_fd = false; ///< -g: the descriptor after the last listener
    std::vector<listener_facts> listeners; ///< from descriptor 3 on
    /// So many of the listeners, from the first, EINHORN_FD_* do not name.
    std::size_t server_words = 0;
    core::generation generation = 0;
    std::string notify_address; ///< empty: no NOTIFY_SOCKET
    /// What the names of firestarter's variables begin with; empty: there are none.
    std::string variable_prefix;
    std::string
        group_socket_path; ///< absolute, of the group's own control socket; empty: the master's
};

/// The environment of the workers of one generation. "LISTEN_PID=" (only with listeners) and
/// "EINHORN_CHILD_INDEX=" are left empty: they differ from worker to worker. Dropping a variable
/// concerns what is inherited; what the master itself has to say is always there, whatever is
/// added.
std::vector<std::string> worker_environment(const environment_facts& facts);

} // namespace einhyrningsins::config
