// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/time.hpp"
#include "handoff/state.hpp"
#include "loop/alarm.hpp"
#include "loop/readiness.hpp"
#include "master/control/caller.hpp"
#include "os/unique_fd.hpp"
#include "protocol/line_buffer.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace einhyrningsins::master {

class control_hub;

/// One client at a control socket. Reads lines and passes them to the control_owner, buffers
/// answers that the client does not read at once, and disconnects a client that leaves too much
/// unread, or that has finished sending and does not read its last answers (SPEC section 8).
///
/// It occupies a descriptor until drop(), which it calls itself when both sides have finished. The
/// hub owns it while it is open. Whoever will answer later shares the ownership, and finds
/// is_open() false once the client has gone.
class control_connection : public std::enable_shared_from_this<control_connection> {
  public:
    /// `from`: what another master has left of the connection, but for its descriptor; of a new
    /// client, only the group at whose socket it has connected. If the system lacks the resources,
    /// is_open() is false.
    control_connection(control_hub& hub, os::unique_fd socket, caller who,
                       const handoff::connection& from);
    control_connection(const control_connection&) = delete;
    control_connection& operator=(const control_connection&) = delete;

    /// Begins to serve the client. To be called once.
    void start();

    /// What another master needs to go on with this client. `worker`: see handoff::connection.
    handoff::connection hand_over(int worker) const;

    /// Queues `lines`, which end with a newline. They are sent in the next turn of the loop at the
    /// latest, as far as the client reads them.
    void send(std::string_view lines);
    /// Sends as much as the socket takes now.
    void flush();
    /// Reads no further line, and closes the connection when everything queued has been sent.
    void close();
    /// Closes the descriptor at once.
    void drop();
    /// Keeps the connection open after the client has finished sending, for an answer that comes
    /// later, until what this returns is destroyed.
    std::shared_ptr<void> hold_open();
    /// To be called while a line is handled whose answer comes later: no other line is handled
    /// until what this returns is destroyed, so that answers keep their order.
    std::shared_ptr<void> postpone();
    /// When it has to give way to others that wait for its place, unless the client says something
    /// meanwhile, or takes an answer. A worker that was given its connection (-g) has no other.
    core::time_point gives_way_at() const;
    /// Answers what has arrived from the client, and disconnects it unless an answer to that is
    /// still to come.
    void give_way();
    bool is_open() const { return bool{socket_}; }
    int descriptor() const { return socket_.get(); }

    /// The client.
    const caller& who() const { return who_; }
    /// The group that owns the control socket; empty: the master.
    const std::string& group() const { return group_; }
    /// See handoff::connection.
    bool is_inherited() const { return inherited_; }

  private:
    void on_readable();
    void on_writable();
    void await_writable();
    void set_turn();
    void take_turn();
    void serve();
    bool receive();
    bool handle_some_lines();
    bool is_owed() const { return holds_ > 0 || postponed_ > 0; }
    void limit_farewell();
    void drop_for(const std::string& why);

    control_hub& hub_;
    os::unique_fd socket_;
    std::optional<loop::readiness> ready_; ///< nothing: it is closed
    caller who_;
    std::string group_;
    bool inherited_;
    core::time_point quiet_since_ = core::time_point::clock::now(); ///< nothing was read or sent
    protocol::line_buffer lines_;
    std::string unsent_;
    loop::alarm turn_; ///< lines wait to be answered
    /// Runs while the client has ended and does not take its last answers.
    std::unique_ptr<loop::alarm> farewell_;
    unsigned holds_ = 0;
    unsigned postponed_ = 0; ///< answers that are still to come before other lines are handled
    bool ended_ = false;     ///< the client will send nothing more
    bool closing_ = false;   ///< nothing more is read from it
    bool handling_ = false;  ///< lines are being answered: flush() follows
    bool waiting_ = false;   ///< for the socket to be writable
};

} // namespace einhyrningsins::master
