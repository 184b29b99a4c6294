// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <optional>
#include <string>

#include <sys/types.h>

namespace einhyrningsins::os {

/// A socket's file, so that it can be told from another one at the same path.
struct socket_file {
    std::string path;
    dev_t device = 0;
    ino_t inode = 0;
};

/// The socket that is at `path` now, if there is one.
std::optional<socket_file> find_socket_file(const std::string& path);

/// Whether `file.path` still names that very socket. Links are not followed.
bool is_in_place(const socket_file& file);

/// Unlinks the file if it is still in place; whatever else is there stays.
void remove_socket_file(const socket_file& file);

struct unix_socket_options {
    std::string path;
    int type = 0; ///< SOCK_STREAM or SOCK_DGRAM
    int backlog = 0;
    std::optional<mode_t> mode; ///< nothing: 0777 less the umask, as bind(2) does
    std::optional<uid_t> user;
    std::optional<gid_t> group;
};

struct unix_socket {
    unique_fd fd;
    socket_file file;
};

/// Binds a socket to a path and listens. At no moment has the file wider permissions than asked
/// for, and no link is followed. A socket that nobody answers is replaced if it is ours or of
/// `user`; one that answers, one of anybody else, and anything that is no socket is an error, and
/// left as it is. Nothing stays behind after an error.
result<unix_socket> open_unix_socket(const unix_socket_options& wishes);

/// Gives a socket's file the mode and owners of `wishes`, if it is still in place; no link is
/// followed.
result<void> set_rights(const socket_file& file, const unix_socket_options& wishes);

/// Binds a socket to a name in the abstract namespace and listens.
result<unique_fd> open_abstract_socket(const std::string& name, int type, int backlog);

struct socket_pair {
    unique_fd ours, theirs;
};

/// Two connected stream sockets, close-on-exec.
result<socket_pair> make_socket_pair();

} // namespace einhyrningsins::os
