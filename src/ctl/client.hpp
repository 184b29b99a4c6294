// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ctl/exit_code.hpp"
#include "protocol/dialect.hpp"
#include "protocol/reply.hpp"
#include "protocol/request.hpp"

#include <boost/system/result.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace einhyrningsins::ctl {

/// Why there is no answer.
struct failure {
    std::string message;                ///< one line, which names the control socket
    exit_code code = exit_code::failed; ///< of a program that needed the answer
};

/// What people are told to look at when there is no answer, in words that fit the command line.
struct hints {
    /// When nobody listens at the socket.
    const char* unreachable = "is the master running, and with the same -d or -c?";
    /// Follows "has not answered within 10 s"; begins with a blank or is empty.
    const char* late = " (see --timeout)";
};

/// A connection to the control socket of a master, made when it is needed, and made again when the
/// master has gone meanwhile.
class client {
  public:
    /// Hears each line of the master, without its newline, and what it says: a message that a
    /// terminal may show. Another user's master is trusted to be a master, and no more.
    using listener = std::function<void(std::string_view, const protocol::reply&)>;

    /// `timeout`: seconds to wait for the connection, and for the first answer to each request; 0:
    /// for ever. `spoken`: the language of requests and answers. Connects to nobody yet.
    client(std::string socket_path, double timeout,
           const protocol::dialect& spoken = protocol::our_dialect(), hints advice = {});
    ~client();
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    /// Connects, unless there is a connection, to a master that is to be trusted (see
    /// why_not_trusted()). Returns why that is not possible, as exit_code::unreachable; nothing: it
    /// is done. Ctrl-C ends the attempt (see catch_interrupts()).
    std::optional<failure> connect();
    /// Whether there has ever been a connection.
    bool has_connected() const { return has_connected_; }

    /// Sends a request and waits until the master has given its last answer to it, which is
    /// returned (see reply::wait); `hear` is called for each, the last one included. The timeout is
    /// for the first: progress may take as long as programs take to start. After a failure the
    /// connection is closed.
    boost::system::result<protocol::reply, failure> ask(const protocol::request& what,
                                                        const listener& hear);

    /// Waits, without a limit, until the master closes the connection.
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
    std::optional<failure> unreachable(int error) const;
    std::optional<failure> distrusted() const;
    failure broken(int error) const;

    std::string socket_path_;
    double timeout_;
    const protocol::dialect& spoken_;
    hints advice_;
    int socket_ = -1; ///< owned
    bool has_connected_ = false;
    std::string received_;
    std::size_t searched_ = 0; ///< of received_: has no newline
};

} // namespace einhyrningsins::ctl
