// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "master/control/control_connection.hpp"
#include "os/watch.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::master {

class control_server;

/// What the control sockets of a master share, of which there may be one for each of many groups:
/// the clients with their bound, and the watch over the sockets' files. Outlives all servers.
class control_hub {
  public:
    control_hub(boost::asio::io_context& context, control_connection::line_handler handler);
    ~control_hub();
    control_hub(const control_hub&) = delete;
    control_hub& operator=(const control_hub&) = delete;

    /// All clients, for another master.
    void hand_over(handoff::state& into) const;
    /// Goes on with a client of another master.
    std::shared_ptr<control_connection> take_over(const handoff::connection& from);
    /// Serves an already connected socket whose other end was given to `who`, a worker of `group`.
    void adopt(os::unique_fd socket, os::peer who);

    /// Serves a client that was accepted at the socket of `group`, or, if that is empty, at the
    /// master's own.
    void serve(control_connection::socket_type socket, os::peer who, const std::string& group);
    /// Whether there are as many clients as descriptors allow: more wait in the backlog.
    bool is_full() const { return clients_ >= most_clients_; }

    /// Has `who` look after its file whenever something may have happened to it, until remove().
    /// Fails if that cannot be watched.
    os::result<void> watch(const std::string& path, control_server* who);
    void remove(control_server* who);

    boost::asio::io_context& context() const { return context_; }

  private:
    std::shared_ptr<control_connection> connect(control_connection::socket_type socket,
                                                os::peer who, const std::string& group);
    void serve(std::shared_ptr<control_connection> client);
    void await_change();

    boost::asio::io_context& context_;
    control_connection::line_handler handler_;
    std::shared_ptr<control_connection::registry> connections_;
    std::size_t clients_ = 0;
    std::size_t most_clients_;
    std::optional<os::file_watch> watch_; ///< of all files: instances of inotify(7) are scarce
    boost::asio::posix::stream_descriptor watched_;
    std::vector<control_server*> watchers_;
};

} // namespace einhyrningsins::master
