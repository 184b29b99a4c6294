// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <boost/system/result.hpp>

namespace einhyrningsins::config {

/// An internet address to bind. An empty host means every address.
struct inet_address {
    std::string host; ///< a name, or an address without brackets
    std::uint16_t port = 0;
    bool operator==(const inet_address&) const = default;
};

/// A unix socket: a path, or a name in the abstract namespace without the leading '@'.
struct unix_address {
    std::string path;
    bool abstract = false;
    bool operator==(const unix_address&) const = default;
};

/// Sockets that systemd passed to the master (LISTEN_FDS): those of this name, or all if it is
/// empty.
struct systemd_socket {
    std::string name;
    bool operator==(const systemd_socket&) const = default;
};

/// A descriptor that the master inherited.
struct inherited_fd {
    int number = -1;
    bool operator==(const inherited_fd&) const = default;
};

enum class transport { stream, datagram };

/// One -b SPEC (SPEC section 3) as plain data; nothing has been resolved or opened.
struct bind_spec {
    std::string text; ///< as the user wrote it, for messages
    std::variant<inet_address, unix_address, systemd_socket, inherited_fd> address;
    transport kind = transport::stream;
    bool reuse_address = false;        ///< r, so_reuseaddr
    bool non_blocking = false;         ///< n, o_nonblock
    bool reuse_port = false;           ///< so_reuseport
    std::optional<int> backlog;        ///< backlog=N; nothing: the group's
    std::string name;                  ///< name=WORD, for LISTEN_FDNAMES; empty: the group's
    std::optional<std::uint32_t> mode; ///< mode=OCTAL, of a unix socket's file
    std::string user, group;           ///< user=, group=: names or numbers; empty: unchanged
    bool operator==(const bind_spec&) const = default;
};

/// Identifies the address of a SPEC, regardless of its spelling and options. Empty if several
/// listeners may have this address: with port 0 and with so_reuseport.
std::string place_of(const bind_spec& spec);

/// Why a text of the user is invalid and what would be right, in one line.
struct text_error {
    std::string message;
};

/// Parses a SPEC. The message of an error begins with the SPEC in quotes.
boost::system::result<bind_spec, text_error> parse_bind_spec(std::string_view text);

} // namespace einhyrningsins::config
