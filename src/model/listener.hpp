// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "model/socket_file.hpp"

#include <boost/describe/class.hpp>

#include <optional>
#include <string>

namespace einhyrningsins::model {

/// What a listener was opened for: a SPEC of its group, and the address family of -4 or -6.
struct listener_spec {
    config::bind_spec spec;
    config::ip_family family = config::ip_family::any;
    bool operator==(const listener_spec&) const = default;
};

/// Identifies the address: two specs with the same place are bound to the same one. Empty: the
/// place is different from all others.
inline std::string place_of(const listener_spec& listener) {
    std::string place = config::place_of(listener.spec);
    if (place.empty() || listener.family == config::ip_family::any) return place;
    return place + (listener.family == config::ip_family::v4 ? " -4" : " -6");
}

/// A socket that workers inherit, and what they and others are told about it.
struct listener {
    int fd = -1;                     ///< borrowed; only set in a state that is handed over
    std::string address;             ///< for people, with the real port: "127.0.0.1:8080", "@name"
    std::string family;              ///< "AF_INET", "AF_INET6" or "AF_UNIX"
    std::string server_starter_key;  ///< as in SERVER_STARTER_PORT; empty: not included there
    std::string name;                ///< name= of its SPEC; empty: none
    std::optional<socket_file> file; ///< created by this program and removed with the listener
    std::optional<listener_spec> spec; ///< nothing: not known, as in states of earlier versions
};
BOOST_DESCRIBE_STRUCT(listener, (), (fd, address, family, server_starter_key, name, file, spec))

} // namespace einhyrningsins::model
