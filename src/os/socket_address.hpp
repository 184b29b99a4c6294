// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"

#include <string>

namespace einhyrningsins::os {

/// The address of a bound socket in three notations.
struct socket_address {
    std::string text;   ///< for humans: "127.0.0.1:8080", "udp [::1]:53", "/run/a.sock", "@name"
    std::string family; ///< as in EINHORN_FD_FAMILY_n
    std::string server_starter_key; ///< as in SERVER_STARTER_PORT, "8080" for all addresses; empty:
                                    ///< not included there
};

/// The address that `fd` is bound to; an error if it is not an internet or unix socket.
result<socket_address> local_address(int fd);

} // namespace einhyrningsins::os
