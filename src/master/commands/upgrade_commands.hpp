// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "handoff/state.hpp"
#include "master/commands/group_changes.hpp"
#include "master/commands/watch_list.hpp"
#include "master/control/control_connection.hpp"
#include "protocol/dialect.hpp"
#include "protocol/order.hpp"
#include "protocol/reply.hpp"

#include <boost/json/value.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::master {

class master;
class upgrade_watch;

/// The commands of which the client hears more than one line: upgrades of groups, reloads of the
/// master, and reloads that an upgrade comes after (SPEC 7.4, 7.5).
class upgrade_commands {
  public:
    using reply = protocol::reply;
    using client_map = std::map<int, std::shared_ptr<control_connection>>; ///< by descriptor

    /// Who is to hear what comes of it, and how.
    struct audience {
        control_connection& client;
        const std::optional<boost::json::value>& id; ///< of the request; nothing: one line will do
        protocol::dialect form = protocol::dialect::json;
    };

    explicit upgrade_commands(master& everything) : master_(everything) {}

    /// Upgrades those of `groups`, which are some, that can be upgraded.
    reply upgrade(const protocol::order& what, const group_selection& groups, const audience& who);
    reply reload(const audience& who);
    reply reload_config(const audience& who);

    /// The upgrade that a reload was to precede; `client`, if any, hears how it goes.
    void upgrade_after_reload(const handoff::wish& what, const group_selection& groups,
                              std::shared_ptr<control_connection> client);
    /// The last answer to who asked for a reload alone.
    void tell_reloaded(const handoff::wish& what, control_connection& client) const;

    /// The clients that wait for the end of an upgrade, for another master.
    void hand_over(handoff::state& into) const;
    void take_over(const handoff::state& from, const client_map& clients);

  private:
    reply reload_before_upgrade(const protocol::order& what, const group_selection& groups,
                                const audience& who);
    reply reload_for(handoff::wish wish, std::string answer, const audience& who);

    master& master_;
    watch_list<upgrade_watch> watches_;
};

} // namespace einhyrningsins::master
