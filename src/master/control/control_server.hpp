// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "master/control/control_hub.hpp"
#include "os/unix_socket.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <optional>
#include <string>

namespace einhyrningsins::master {

/// A control socket, the master's or that of one group: accepts clients, and makes the socket anew
/// when it vanished from the file system. Small, since there may be hundreds.
class control_server {
  public:
    /// Opens the socket, unless it was handed over by another master; throws start_failure if the
    /// path is taken or cannot be had. `group`: whose socket it is; empty: the master's.
    control_server(control_hub& hub, os::unix_socket_options wishes, std::string group,
                   const std::optional<handoff::control_socket>& from);
    /// Removes the socket's file if it is still ours.
    ~control_server();
    control_server(const control_server&) = delete;
    control_server& operator=(const control_server&) = delete;

    /// The socket, for another master.
    handoff::control_socket hand_over();

    /// Gives the socket's file another mode, also when it is made anew.
    void change_mode(mode_t mode);
    /// Makes the socket anew if its file has vanished.
    void look_after_file();

  private:
    using protocol_type = boost::asio::local::stream_protocol;
    using timer = std::unique_ptr<boost::asio::steady_timer>; ///< there is one only if it runs

    os::unix_socket obtain(const std::optional<handoff::control_socket>& from) const;
    void open(os::unix_socket fresh);
    void accept();
    template <class Deed>
    void run_after(timer& which, std::chrono::milliseconds delay, Deed deed);
    void pause();
    void reopen_after(std::chrono::milliseconds delay);
    void reopen();

    control_hub& hub_;
    os::unix_socket_options wishes_;
    std::string group_;
    os::socket_file file_;
    protocol_type::acceptor acceptor_;
    /// Handlers that are on their way already hold this weakly, as a group may be removed any time.
    std::shared_ptr<bool> alive_ = std::make_shared<bool>();
    timer pause_;
    timer reopen_timer_;
    bool complained_ = false; ///< that the socket cannot be made anew
};

} // namespace einhyrningsins::master
