// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/time.hpp"
#include "handoff/state.hpp"
#include "loop/alarm.hpp"
#include "loop/readable.hpp"
#include "master/control/control_connection.hpp"
#include "master/control/control_owner.hpp"
#include "master/control/socket_files.hpp"
#include "os/unique_fd.hpp"
#include "os/watch.hpp"

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace einhyrningsins::master {

class control_server;

/// What the control sockets of a master and of its groups share: the clients and their limits, and
/// the watch on the files of the sockets. Outlives all servers.
///
/// Clients occupy descriptors, of which the master needs some for its own work, see
/// machine::may_accept(). When these become scarce, clients wait in the backlog until another one
/// disconnects, and the one that has been quiet for the longest time is made to; a worker of
/// another user has one connection at most then, the latest. Time in which clients wait does not
/// count against workers that have to ack (SPEC 7.7).
class control_hub {
  public:
    /// `owner` and `files` have to outlive it.
    control_hub(boost::asio::io_context& context, control_owner& owner, socket_files& files);
    /// Closes all connections.
    ~control_hub();
    control_hub(const control_hub&) = delete;
    control_hub& operator=(const control_hub&) = delete;

    /// Serves a client that was accepted at the socket of `group` (empty: the master's own), or
    /// turns it away.
    void receive(os::unique_fd socket, const std::string& group);
    /// Goes on with a client that has been admitted before, by another master or because it is a
    /// child that was born with its connection; null if it is not served any more. `from`: see
    /// control_connection.
    std::shared_ptr<control_connection> serve(os::unique_fd socket,
                                              const handoff::connection& from);

    /// All clients, for another master.
    void hand_over(handoff::state& into) const;
    /// Sends answers that are still queued, as far as sockets take them at once. To be called after
    /// the last turn of the loop.
    void finish() const;

    /// Whether so few descriptors are left that no client may be accepted.
    bool is_full() const;
    /// Lets `server` accept again when descriptors may be free. Logs when clients begin to have to
    /// wait, with the reason, and when that has ended.
    void await_room(control_server& server, const std::string& why);
    /// Says that clients have to wait, or had to a moment ago, and why; empty: they do not.
    std::string trouble() const;

    /// A connection is closed. Called by the connection itself.
    void forget(control_connection& gone);

    /// Calls `server.look_after_file()` whenever something may have happened to its file, until
    /// remove(). Fails if the file cannot be watched.
    os::result<void> watch(const std::string& path, control_server* server);
    void remove(control_server* server);

    boost::asio::io_context& context() const { return context_; }
    control_owner& owner() const { return owner_; }
    /// Of the control sockets and others.
    socket_files& files() const { return files_; }

  private:
    struct scarcity;

    std::shared_ptr<control_connection> connect(os::unique_fd socket, caller who,
                                                const handoff::connection& from);
    std::string why_not_served(const caller& who) const;
    void disconnect(const worker_ref& worker);
    control_connection* first_to_give_way() const;
    void wait_for_room(core::time_point now);
    void turn_away(os::unique_fd socket, const os::peer& peer, const std::string& group,
                   const std::string& why);
    void resume();
    void note_scarcity(const std::string& why);
    void on_wake();
    void on_change();

    boost::asio::io_context& context_;
    control_owner& owner_;
    socket_files& files_;
    std::set<std::shared_ptr<control_connection>> connections_;
    std::map<uid_t, std::size_t> users_; ///< connections of those who are no operators
    std::size_t inherited_ = 0; ///< connections that workers were given at their start (-g)
    std::vector<control_server*> paused_;
    std::unique_ptr<scarcity> scarcity_;  ///< while accepting fails
    std::optional<os::file_watch> watch_; ///< of all files: instances of inotify(7) are scarce
    loop::readable changes_;
    std::vector<control_server*> watchers_;
};

} // namespace einhyrningsins::master
