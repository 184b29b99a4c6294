// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ctl/exit_code.hpp"
#include "protocol/reply.hpp"
#include "protocol/request.hpp"

#include <boost/system/result.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace einhyrningsins::ctl {

/// Why there is no answer: one line for people, and how a program that needed one ends.
struct failure {
    std::string message;
    exit_code code = exit_code::failed;
};

/// What people are told to look at when there is no answer.
struct hints {
    const char* unreachable = "does the master run, and has it the same -d or -c?";
    const char* late = " (see --timeout)";
};

/// A connection to the control socket of a master, made when it is needed, and made again when the
/// master has gone meanwhile.
class client {
  public:
    /// Hears each line of the master as it was written and as it was understood.
    using listener = std::function<void(std::string_view, const protocol::reply&)>;

    /// Understands a line of the master; nothing if it is no reply.
    using parser = std::optional<protocol::reply> (*)(std::string_view);

    /// `timeout`: seconds to wait for the first answer to a request; 0: for ever.
    client(std::string socket_path, double timeout, parser parse = protocol::parse_reply,
           hints advice = {});
    ~client();
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    /// Connects, if that has not happened yet.
    std::optional<failure> connect();

    /// Sends a request and waits until the master has said its last word about it, which is
    /// returned; without an id that is the first. After a failure the connection is closed.
    boost::system::result<protocol::reply, failure> ask(const protocol::request& what,
                                                        const listener& hear);

    /// Waits until the master closes the connection.
    void await_end();

    const std::string& socket_path() const { return socket_path_; }

  private:
    boost::system::result<protocol::reply, failure> converse(const protocol::request& what,
                                                             const listener& hear);
    std::optional<failure> next_line(std::string& line);
    std::optional<failure> send(std::string_view line);
    std::optional<failure> receive();
    void wait_at_most(double seconds);
    bool is_stale() const;
    void disconnect();
    failure unreachable(int error) const;
    failure broken(int error) const;

    std::string socket_path_;
    double timeout_;
    parser parse_;
    hints advice_;
    int socket_ = -1; ///< owned
    std::string received_;
    std::size_t searched_ = 0; ///< of received_: has no newline
};

} // namespace einhyrningsins::ctl
