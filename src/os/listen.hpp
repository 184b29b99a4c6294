// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/bind_spec.hpp"
#include "config/settings.hpp"
#include "os/os_error.hpp"
#include "os/unique_fd.hpp"
#include "os/unix_socket.hpp"

#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::os {

/// A socket that is bound, with what is told about it. Close-on-exec is set.
struct opened_listener {
    unique_fd fd;
    std::string
        address; ///< for people, with the real port: "127.0.0.1:8080", "udp [::1]:53", "@name"
    std::string family;              ///< "AF_INET", "AF_INET6" or "AF_UNIX"
    std::string server_starter_key;  ///< as in SERVER_STARTER_PORT; empty: left out
    std::string name;                ///< name=, else empty
    std::optional<socket_file> file; ///< that we made
};

/// Opens what a SPEC asks for (SPEC section 3); `backlog` where the SPEC names none. One listener,
/// but for "systemd", which may be several.
result<std::vector<opened_listener>> open_listener(const config::bind_spec& spec,
                                                   config::ip_family family, int backlog);

/// Gives an open listener, with its `file` if it has one, the options of another SPEC for the same
/// address. What a flag has set stays: O_NONBLOCK may have been set by workers, who share it.
result<void> change_options(int fd, const socket_file* file, const config::bind_spec& spec,
                            int backlog);

/// Another descriptor for the same socket, close-on-exec.
result<unique_fd> duplicate(int fd);

} // namespace einhyrningsins::os
