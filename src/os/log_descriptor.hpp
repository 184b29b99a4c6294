// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <cstddef>
#include <string_view>

#include <sys/types.h>

namespace einhyrningsins::os {

/// Standard error, written without blocking. Workers share its open file description, so O_NONBLOCK
/// must not be set on it. Instead a pipe or a terminal is opened a second time, and a socket is
/// used with MSG_DONTWAIT. Writing to a file may block on its disk, so that is for a helper thread.
class log_descriptor {
  public:
    log_descriptor();

    /// Writes as much as possible without blocking. Returns the number of bytes, -EAGAIN if there
    /// is no room, or another negative errno.
    ssize_t write_some(std::string_view text) const;

    /// A new descriptor that becomes readable when standard error is writable again.
    result<unique_fd> watch_writable() const;

    /// Whether it is a regular file.
    bool is_file() const { return kind_ == kind::file; }

    /// Writes everything to a file, blocking on its disk. Returns the number of bytes: what follows
    /// them could not be written, for instance because the disk is full.
    std::size_t write_all(std::string_view text) const;

    bool is_terminal() const { return terminal_; }

  private:
    enum class kind { file, socket, reopened, shared };

    int fd() const;

    kind kind_ = kind::shared;
    unique_fd reopened_;
    bool terminal_ = false;
};

} // namespace einhyrningsins::os
