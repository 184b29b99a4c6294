// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <string_view>

#include <sys/types.h>

namespace einhyrningsins::os {

/// Standard error, written without ever waiting. Workers share its open file description, so
/// O_NONBLOCK must not be set on it: a pipe or a terminal is opened a second time, a socket is sent
/// to with MSG_DONTWAIT, and a file never waits anyway.
class log_descriptor {
  public:
    log_descriptor();

    /// Writes as much as goes at once; -EAGAIN if nothing does, else a negative errno.
    ssize_t write_some(std::string_view text) const;

    /// A descriptor of its own that becomes readable when standard error can be written again.
    result<unique_fd> watch_writable() const;

    bool is_terminal() const { return terminal_; }

  private:
    enum class kind { file, socket, reopened, shared };

    int fd() const;

    kind kind_ = kind::shared;
    unique_fd reopened_;
    bool terminal_ = false;
};

} // namespace einhyrningsins::os
