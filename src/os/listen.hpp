// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/bind_spec.hpp"
#include "config/settings.hpp"
#include "model/listener.hpp"
#include "os/look_up.hpp"
#include "os/os_error.hpp"
#include "os/unique_fd.hpp"
#include "os/unix_socket.hpp"

#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::os {

/// A bound socket and its description. Close-on-exec is set.
struct opened_listener {
    unique_fd fd;
    model::listener facts; ///< without the descriptor
};

/// The look-ups (host, user, group) that a SPEC requires before it can be opened.
std::vector<any_query> queries_of(const config::bind_spec& spec, config::ip_family family);

/// Opens the listener of a SPEC (SPEC section 3), or several for "systemd". `backlog` is used if
/// the SPEC has none. `names` contains the answers to queries_of(). Errors do not name the SPEC.
result<std::vector<opened_listener>> open_listener(const config::bind_spec& spec,
                                                   config::ip_family family, int backlog,
                                                   const look_ups& names);

/// Applies the options of another SPEC for the same address to an open listener and its `file`
/// (null: none). Flags are never cleared, since workers, who share them, may have set O_NONBLOCK.
/// Only the user and the group of queries_of() are needed.
result<void> change_options(int fd, const socket_file* file, const config::bind_spec& spec,
                            int backlog, const look_ups& names);

/// Duplicates the descriptor, with close-on-exec.
result<unique_fd> duplicate(int fd);

} // namespace einhyrningsins::os
