// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/unique_fd.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace einhyrningsins::os {

/// Sends messages to the syslog daemon like syslog(3), but never blocks. Messages that the daemon
/// does not accept immediately are lost; their number is reported with the next one that it
/// accepts.
class syslog_client {
  public:
    enum class level { error = 3, warning = 4 };

    /// `ident` and the pid precede each message. `path` is the datagram socket of the daemon.
    explicit syslog_client(std::string ident, std::string path = "/dev/log");

    /// Sends a message with the facility "daemon", at most a few KiB.
    void send(level severity, std::string_view text);

  private:
    bool try_to_send(level severity, std::string_view text);

    std::string ident_, path_;
    unique_fd socket_; ///< not connected, so that a restarted daemon is found
    std::uint64_t lost_ = 0;
};

} // namespace einhyrningsins::os
