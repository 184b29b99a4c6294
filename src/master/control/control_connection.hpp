// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "handoff/state.hpp"
#include "os/credentials.hpp"
#include "protocol/line_buffer.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace einhyrningsins::master {

/// One client at the control socket. Reads lines and hands them on, keeps what the client does not
/// read at once, and drops a client that lets more than 1 MiB wait (SPEC section 8).
class control_connection : public std::enable_shared_from_this<control_connection> {
  public:
    using socket_type = boost::asio::local::stream_protocol::socket;
    /// Answers one line with send() and, if it likes, close(). Nothing: a line that is too long,
    /// after which there is no other.
    using line_handler = std::function<void(control_connection&, std::optional<std::string_view>)>;

    /// All that there are of a master.
    using registry = std::set<control_connection*>;

    /// `group`: at whose socket it has connected; empty: at the master's.
    control_connection(socket_type socket, os::peer who, std::string group,
                       const line_handler& handler, std::shared_ptr<registry> all);
    ~control_connection();
    control_connection(const control_connection&) = delete;
    control_connection& operator=(const control_connection&) = delete;

    /// What another master needs to go on with this client.
    handoff::connection hand_over();
    /// Goes on with what another master has left; before serve().
    void take_over(const handoff::connection& from);

    /// Serves the client until one of both has enough.
    static boost::asio::awaitable<void> serve(std::shared_ptr<control_connection> self);

    /// Queues `lines`, which end with a newline; they leave at the latest in the next turn of the
    /// loop.
    void send(std::string_view lines);
    /// No further line is read; what was sent still goes out.
    void close();
    /// A client that has nothing more to say is still told what it waits for: the connection stays
    /// open for as long as somebody has what this returns.
    std::shared_ptr<void> hold_open();
    bool is_open() const { return socket_.is_open(); }
    int descriptor() { return socket_.native_handle(); }

    /// Who is at the other end.
    const os::peer& who() const { return who_; }
    /// The group whose socket this is; empty: it is the master's.
    const std::string& group() const { return group_; }

  private:
    bool receive();
    bool has_more_at_once() const;
    bool handle_some_lines();
    void flush();
    void flush_when_writable();
    void drop();

    socket_type socket_;
    os::peer who_;
    std::string group_;
    const line_handler& handle_;
    std::shared_ptr<registry> all_;
    protocol::line_buffer lines_;
    std::string unsent_;
    unsigned holds_ = 0;
    bool ended_ = false; ///< the client will send nothing more
    bool closing_ = false;
    bool waiting_ = false; ///< for the socket to be writable
};

} // namespace einhyrningsins::master
