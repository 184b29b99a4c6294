// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "model/socket_file.hpp"
#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <optional>
#include <string>

#include <sys/types.h>

namespace einhyrningsins::os {

using model::socket_file;

/// The socket at `path`; nothing: there is none.
std::optional<socket_file> find_socket_file(const std::string& path);

/// Whether `file.path` still names that socket. Links are not followed.
bool is_in_place(const socket_file& file);

/// Unlinks the file if it is still in place; anything else at the path is kept. Success: the file
/// is not there any more.
result<void> remove_socket_file(const socket_file& file);

struct unix_socket_options {
    std::string path;
    int type = 0; ///< SOCK_STREAM or SOCK_DGRAM
    int backlog = 0;
    std::optional<mode_t> mode; ///< nothing: 0777 minus the umask, as with bind(2)
    std::optional<uid_t> user;
    std::optional<gid_t> group;
};

struct unix_socket {
    unique_fd fd;
    socket_file file;
};

/// Binds a socket to a path and listens. The file never has wider permissions than requested, and
/// no link is followed. An existing socket is replaced if nothing answers on it and it belongs to
/// this user or to `user`. A socket that answers or belongs to another user, and anything that is
/// not a socket, is an error and is kept. After an error nothing is left behind.
result<unix_socket> open_unix_socket(const unix_socket_options& wishes);

/// Sets the mode and owner in `wishes` on the file of a socket; an error if it is no longer in
/// place. No link is followed.
result<void> set_rights(const socket_file& file, const unix_socket_options& wishes);

/// Binds a socket to a name in the abstract namespace (without the '@') and listens.
result<unique_fd> open_abstract_socket(const std::string& name, int type, int backlog);

struct socket_pair {
    unique_fd ours, theirs;
};

/// Creates two connected stream sockets with close-on-exec.
result<socket_pair> make_socket_pair();

} // namespace einhyrningsins::os
