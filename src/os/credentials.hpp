// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "model/peer.hpp"
#include "os/identity.hpp"
#include "os/os_error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace einhyrningsins::os {

using model::peer;

/// The process at the other end of a unix socket when it connected, see SO_PEERCRED and
/// SO_PEERGROUPS in unix(7) and socket(7).
result<peer> peer_of(int socket);

/// Whether the process that connected a socket still exists. If it has exited and left the socket
/// to a child, its pid may belong to another process by now.
enum class peer_presence {
    there,
    gone,
    unknown ///< not supported before Linux 6.5
};
/// See SO_PEERPIDFD in unix(7). A process that has exited counts as there until it is reaped.
peer_presence presence_of_peer(int socket);

/// The peer of a socket that was passed to a child of this process. `identity` is the child's;
/// nothing: that of this process.
peer peer_of_child(pid_t pid, const std::optional<identity>& identity);

/// The effective user and the pid of this process.
uid_t own_user();
pid_t own_process();

/// The parent of a process; nothing: it does not exist.
std::optional<pid_t> parent_of(pid_t pid);

/// The effective user of a process; nothing: it does not exist.
std::optional<uid_t> user_of(pid_t pid);

/// The id of a user or group that is given as a number; nothing: it is not a number, or not a valid
/// id.
std::optional<std::uint32_t> number_of_id(const std::string& text);

/// The id of a user or group that is given by name or number. The error names it. Blocks on the
/// user database.
result<uid_t> user_id(const std::string& name);
result<gid_t> group_id(const std::string& name);

/// A user's entry in passwd(5).
struct account {
    std::string name;
    gid_t group = 0;
};
/// The entry of a user; nothing: there is none. Blocks on the user database.
result<std::optional<account>> find_account(uid_t user);

} // namespace einhyrningsins::os
