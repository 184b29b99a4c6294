// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/identity.hpp"
#include "os/os_error.hpp"

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace einhyrningsins::os {

/// The process at the other end of a unix socket, as it was when it connected.
struct peer {
    pid_t pid = 0;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups; ///< supplementary ones
};

/// See SO_PEERCRED and SO_PEERGROUPS in unix(7) and socket(7).
result<peer> peer_of(int socket);

/// The peer that a child of ours is, for a socket that it got from us; `who`: as whom it runs, if
/// not as this process.
peer peer_of_child(pid_t pid, const std::optional<identity>& who);

/// The effective user of this process, and its pid.
uid_t own_user();
pid_t own_process();

/// The parent of a process; nothing if it is gone.
std::optional<pid_t> parent_of(pid_t pid);

/// The id of a user or group that is given by name or number. The error names it.
result<uid_t> user_id(const std::string& name);
result<gid_t> group_id(const std::string& name);

/// What passwd(5) has about a user.
struct account {
    std::string name;
    gid_t group = 0;
};
/// Nothing: it does not know that number.
std::optional<account> find_account(uid_t user);

} // namespace einhyrningsins::os
