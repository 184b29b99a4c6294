// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "master/commands/firestarter_watch.hpp"
#include "master/commands/watch_list.hpp"
#include "protocol/reply.hpp"
#include "protocol/request.hpp"

#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace einhyrningsins::master {

class master;

/// What firestarter does at its sockets, in firestarter's words (SPEC section 8).
class firestarter_commands {
  public:
    explicit firestarter_commands(master& everything) : master_(everything) {}

    /// Does what an operator has asked for, but for "worker:ack", which is the workers' affair. The
    /// connection is closed with the answer, as firestarter does, or, when the daemon is to stop,
    /// with its end.
    void carry_out(const protocol::request& asked, control_connection& client);

    /// The upgrade that a reload of the master was to precede.
    void begin_upgrade(const handoff::wish& what, std::shared_ptr<control_connection> client,
                       group_runner& group);

    /// The clients that wait for an answer, for another master.
    void hand_over(handoff::state& into) const;
    void take_over(const handoff::group_watch& from, std::shared_ptr<control_connection> client,
                   group_runner& group);

  private:
    using command = protocol::firestarter::command;
    using reply = protocol::reply;
    using answer = std::optional<reply>; ///< nothing: it comes later

    void list(control_connection& client) const;
    void tell_each(control_connection& client, const std::vector<reply>& answers,
                   const char* name) const;
    void status(control_connection& client) const;
    void stop_all(control_connection& client);
    group_runner* find(const protocol::request& asked, const control_connection& client) const;

    answer control(const command& what, const protocol::request& asked, control_connection& client,
                   group_runner& group);
    answer start(const command& what, control_connection& client, group_runner& group);
    answer restart(const command& what, int signal, control_connection& client,
                   group_runner& group);
    answer increase(const command& what, control_connection& client, group_runner& group);
    answer upgrade(const command& what, int signal, control_connection& client,
                   group_runner& group);
    reply stop(int signal, group_runner& group) const;
    reply decrease(int signal, group_runner& group) const;
    reply kill(group_runner& group) const;

    master& master_;
    watch_list<firestarter_watch> watches_;
};

/// Has the group hear that `worker` is up, and sends the worker that it replaces `signal`; 0: what
/// the group has for that.
void acknowledge(group_runner& group, core::process_id worker, int signal);

} // namespace einhyrningsins::master
