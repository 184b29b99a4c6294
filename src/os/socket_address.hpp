// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"

#include <string>

namespace einhyrningsins::os {

/// What a bound socket is called, in the three languages that need to know.
struct socket_address {
    std::string text;   ///< for people: "127.0.0.1:8080", "udp [::1]:53", "/run/a.sock", "@name"
    std::string family; ///< as in EINHORN_FD_FAMILY_n
    std::string server_starter_key; ///< as in SERVER_STARTER_PORT: "8080" for every address; empty:
                                    ///< left out
};

/// The address that `fd` is bound to; an error if it is no socket of the internet or unix family.
result<socket_address> local_address(int fd);

} // namespace einhyrningsins::os
