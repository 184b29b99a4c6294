// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <utility>

namespace einhyrningsins::os {

/// Owns a file descriptor, which the destructor closes.
class unique_fd {
  public:
    unique_fd() = default;
    /// Takes ownership of `fd`; -1: none.
    explicit unique_fd(int fd) : fd_(fd) {}
    unique_fd(unique_fd&& other) noexcept : fd_(other.release()) {}
    unique_fd& operator=(unique_fd&& other) noexcept {
        reset(other.release());
        return *this;
    }
    ~unique_fd() { reset(); }

    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    /// Gives up ownership and returns the descriptor.
    int release() { return std::exchange(fd_, -1); }
    /// Closes the current descriptor and takes ownership of `fd`.
    void reset(int fd = -1);

  private:
    int fd_ = -1;
};

} // namespace einhyrningsins::os
