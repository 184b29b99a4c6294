// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "world/kernel/kernel.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace einhyrningsins::world {

/// A process at the other end of the control socket. What the master sends to it is collected,
/// unless it is deaf.
class client {
  public:
    client(kernel& system, process_ptr who) : system_(system), who_(std::move(who)) {}

    /// Returns whether somebody listens there.
    bool connect(std::string_view path);
    /// Sends as much as there is room for. Returns whether that was everything.
    bool send(std::string_view text);
    /// Sends a request in our dialect, with an id, which it returns.
    int request(std::string_view command, std::string_view arguments = "[]");
    void shut() { end_.reset(); }
    bool is_connected() const { return end_ != nullptr; }
    /// Whether the master has closed the connection.
    bool is_closed() const { return is_closed_; }
    bool is_deaf = false;

    /// Reads what has arrived.
    void listen();
    const std::vector<std::string>& lines() const { return lines_; }
    /// The last answer to a request, the only one without "wait"; empty: there is none yet.
    std::string answer_to(int id) const;
    /// The requests that have several last answers.
    std::vector<int> answered_twice() const;
    std::vector<int> unanswered() const;
    const process_ptr& who() const { return who_; }

  private:
    kernel& system_;
    process_ptr who_;
    std::shared_ptr<socket> end_;
    bool is_closed_ = false;
    std::string rest_;
    std::vector<std::string> lines_;
    int last_id_ = 0;
    std::map<int, std::vector<std::string>> last_answers_;
};

} // namespace einhyrningsins::world
