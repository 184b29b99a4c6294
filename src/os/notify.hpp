// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <string>
#include <vector>

#include <sys/types.h>

namespace einhyrningsins::os {

/// The receiving side of sd_notify(3). The address is in the abstract namespace: nothing to clean
/// up, and workers of other users can reach it; who sent what is told by the kernel.
class notify_socket {
  public:
    static result<notify_socket> open();
    /// Has it from another master.
    static notify_socket adopt(unique_fd fd, std::string address);

    int fd() const { return fd_.get(); }
    /// The value of NOTIFY_SOCKET, beginning with "@".
    const std::string& address() const { return address_; }
    /// The senders of READY=1 since the last call. Everything else is read and ignored, descriptors
    /// that came along are closed.
    std::vector<pid_t> receive() const;

  private:
    unique_fd fd_;
    std::string address_;
};

} // namespace einhyrningsins::os
