// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <utility>

namespace einhyrningsins::os {

/// Owns one file descriptor and closes it.
class unique_fd {
  public:
    unique_fd() = default;
    /// Takes ownership of `fd`; -1 is nothing.
    explicit unique_fd(int fd) : fd_(fd) {}
    unique_fd(unique_fd&& other) noexcept : fd_(other.release()) {}
    unique_fd& operator=(unique_fd&& other) noexcept {
        reset(other.release());
        return *this;
    }
    ~unique_fd() { reset(); }

    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    /// Gives up ownership.
    int release() { return std::exchange(fd_, -1); }
    /// Closes what it has and takes `fd`.
    void reset(int fd = -1);

  private:
    int fd_ = -1;
};

} // namespace einhyrningsins::os
