// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "loop/alarm.hpp"
#include "loop/readable.hpp"
#include "master/control/control_hub.hpp"
#include "os/unix_socket.hpp"

#include <memory>
#include <optional>
#include <string>

namespace einhyrningsins::master {

/// A control socket, the master's or that of one group: accepts clients, and makes the socket again
/// when its file has vanished. Small, since there may be hundreds.
class control_server {
  public:
    /// What there is already: nothing, or the socket of the master before, which has the descriptor
    /// -1 if it was lost on the way.
    using source = std::optional<handoff::control_socket>;

    /// Opens a new socket if there was none; throws start_failure if that is not possible, because
    /// the path is taken for example. One that was lost is made again, which is tried until it
    /// works and never throws. `group`: whose socket it is; empty: the master's.
    control_server(control_hub& hub, os::unix_socket_options options, std::string group,
                   const source& from);
    /// Removes the socket's file unless somebody has replaced it.
    ~control_server();
    control_server(const control_server&) = delete;
    control_server& operator=(const control_server&) = delete;

    /// The socket, for the next master.
    handoff::control_socket hand_over() const;

    /// Sets the mode of the socket's file, now and whenever it is made again.
    void change_mode(mode_t mode);
    /// Makes the socket again if its file has vanished.
    void look_after_file();
    /// Continues to accept clients after control_hub::await_room().
    void resume();

  private:
    os::unix_socket open_new() const;
    void open(os::unix_socket fresh);
    void watch_file();
    bool is_in_place() const;
    void accept_some();
    void await_room(const std::string& why);
    void reopen();

    control_hub& hub_;
    os::unix_socket_options options_;
    std::string group_;
    std::shared_ptr<const os::socket_file> file_; ///< null: it is still to be made
    os::unique_fd listener_;
    loop::readable clients_;
    loop::alarm reopening_;
    bool complained_ = false; ///< it was logged that the socket cannot be made again
    bool unwatched_ = false;  ///< its file cannot be watched
};

} // namespace einhyrningsins::master
