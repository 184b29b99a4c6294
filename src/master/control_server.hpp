// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "master/control_connection.hpp"
#include "os/unix_socket.hpp"
#include "os/watch.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <optional>
#include <string>

namespace einhyrningsins::master {

/// The control socket: accepts clients, and makes the socket anew when it vanished from the file
/// system.
class control_server {
  public:
    /// Opens the socket, unless it was handed over by another master; throws start_failure if the
    /// path is taken or cannot be had.
    control_server(boost::asio::io_context& context, const os::unix_socket_options& wishes,
                   control_connection::line_handler handler,
                   const std::optional<handoff::control_socket>& from);
    /// Removes the socket's file if it is still ours.
    ~control_server();
    control_server(const control_server&) = delete;
    control_server& operator=(const control_server&) = delete;

    /// The socket and all clients, for another master.
    void hand_over(handoff::state& into);
    /// Goes on with a client of another master.
    std::shared_ptr<control_connection> take_over(const handoff::connection& from);

    /// Serves an already connected socket whose other end was given to `who`.
    void adopt(os::unique_fd socket, os::peer who);

  private:
    using protocol_type = boost::asio::local::stream_protocol;

    os::unix_socket obtain(const std::optional<handoff::control_socket>& from) const;
    void open(os::unix_socket fresh);
    void accept();
    void pause();
    std::shared_ptr<control_connection> connect(protocol_type::socket socket, os::peer who);
    void serve(std::shared_ptr<control_connection> client);
    void watch();
    void await_change();
    void reopen_after(std::chrono::milliseconds delay);
    void reopen();

    boost::asio::io_context& context_;
    os::unix_socket_options wishes_;
    control_connection::line_handler handler_;
    os::socket_file file_;
    protocol_type::acceptor acceptor_;
    boost::asio::steady_timer pause_;
    std::optional<os::file_watch> watch_;
    boost::asio::posix::stream_descriptor watched_;
    boost::asio::steady_timer reopen_timer_;
    std::shared_ptr<control_connection::registry> connections_;
    std::size_t clients_ = 0;
    std::size_t most_clients_; ///< more wait in the backlog
    bool complained_ = false;  ///< that the socket cannot be made anew
};

} // namespace einhyrningsins::master
