// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <functional>
#include <string>

#include <sys/types.h>

namespace einhyrningsins::os {

/// The receiving end of sd_notify(3). The address is in the abstract namespace: it needs no
/// cleanup, and workers that run as other users can reach it. The kernel identifies the senders.
class notify_socket {
  public:
    /// The socket that is open as `fd`, if any, at `address`, "@" and a name; empty: the kernel
    /// chooses a free name.
    explicit notify_socket(unique_fd fd = {}, std::string address = {})
        : fd_(std::move(fd)),
          address_(std::move(address)) {}
    /// Opens the socket unless it is open.
    result<void> open();

    int fd() const { return fd_.get(); }
    /// The value of NOTIFY_SOCKET, beginning with "@".
    const std::string& address() const { return address_; }
    struct sender {
        pid_t pid = 0;
        uid_t user = 0;
    };
    /// Reads what has arrived since the last call, and calls `ready` with the sender of each
    /// READY=1; it returns whether to continue, or to leave the rest to the next call. Everything
    /// else is ignored. Descriptors that come with a message are never installed; the kernel drops
    /// them when the message is read: a process that waits for the end of its BARRIER=1
    /// (sd_notify_barrier(3)) still exists when `ready` is called for the READY=1 before it.
    void receive(const std::function<bool(const sender&)>& ready) const;

  private:
    unique_fd fd_;
    std::string address_;
};

} // namespace einhyrningsins::os
