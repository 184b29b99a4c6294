// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "master/commands/command_set.hpp"
#include "master/commands/firestarter_watch.hpp"
#include "master/commands/upgrade_commands.hpp"
#include "master/commands/watch_list.hpp"
#include "protocol/reply.hpp"
#include "protocol/request.hpp"

#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace einhyrningsins::master {

class master;

/// What firestarter's commands do, answered in firestarter's words (SPEC section 8). Some answers
/// come when the group has changed, see firestarter_watch.
class firestarter_commands : public command_set {
  public:
    /// Both have to outlive it.
    firestarter_commands(master& everything, upgrade_commands& upgrades)
        : master_(everything),
          upgrades_(upgrades) {}

    std::optional<protocol::reply> carry_out(const protocol::order& what,
                                             const protocol::request& asked,
                                             const group_selection& groups,
                                             const audience& who) override;
    void upgrade_after_reload(const handoff::request& what, const group_selection& groups,
                              std::shared_ptr<control_connection> client) override;

    /// The clients that wait for an answer, for another master.
    void hand_over(handoff::state& into) const;
    /// Answers `client` when the group has changed.
    void add_watch(std::shared_ptr<control_connection> client, handoff::group_watch from,
                   group_runner& group);

  private:
    using command = protocol::firestarter::command;
    using reply = protocol::reply;
    using answer = std::optional<reply>; ///< nothing: it comes later

    void list(const group_selection& groups, control_connection& client) const;
    void status(const group_selection& groups, control_connection& client) const;
    void stop_all(control_connection& client);
    void tell_each(control_connection& client, const std::vector<reply>& answers,
                   const char* name) const;

    answer control(const command& what, const protocol::request& asked, control_connection& client,
                   group_runner& group);
    answer start(const command& what, control_connection& client, group_runner& group);
    answer restart(const command& what, int signal, control_connection& client,
                   group_runner& group);
    answer increase(const command& what, control_connection& client, group_runner& group);
    answer upgrade(const command& what, int signal, control_connection& client,
                   group_runner& group);
    void begin_upgrade(const handoff::request& what, std::shared_ptr<control_connection> client,
                       group_runner& group);
    reply stop(int signal, group_runner& group) const;
    reply decrease(int signal, group_runner& group) const;
    reply kill(group_runner& group) const;

    master& master_;
    upgrade_commands& upgrades_;
    watch_list<firestarter_watch> watches_;
};

/// Has the group hear that `worker` is up, and sends the worker that it replaces `signal`; 0: what
/// the group has for that.
void acknowledge(group_runner& group, core::process_id worker, int signal);

} // namespace einhyrningsins::master
