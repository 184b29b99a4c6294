// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "handoff/state.hpp"
#include "loop/background.hpp"
#include "master/commands/audience.hpp"
#include "master/commands/group_changes.hpp"
#include "master/commands/watch_list.hpp"
#include "master/control/control_connection.hpp"
#include "os/look_up.hpp"
#include "protocol/order.hpp"
#include "protocol/reply.hpp"

#include <boost/json/value.hpp>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::master {

class master;
class upgrade_watch;

/// The commands with more than one line of answer: upgrades of groups, reloads of the master, and
/// upgrades that a reload precedes (SPEC 7.4, 7.5).
class upgrade_commands {
  public:
    using reply = protocol::reply;
    using client_map = std::map<int, std::shared_ptr<control_connection>>; ///< by descriptor

    explicit upgrade_commands(master& everything) : master_(everything) {}

    /// Upgrades those of `groups`, which are some, that can be upgraded.
    reply upgrade(const protocol::order& what, const group_selection& groups, const audience& who);
    reply reload(const audience& who);
    /// Reads the file of groups again. If it has names that need a name server or the user
    /// database, these are looked up beside the loop, and the client hears of the end in a further
    /// line; one that has no id finds it in the log.
    reply reload_config(const audience& who);
    /// The same for a request that another master has not finished; `client`, if any, is told.
    void reload_config_again(const handoff::request& what,
                             std::shared_ptr<control_connection> client);
    /// Ends those that are under way, for that reason.
    void cancel_config_reloads(const std::string& why);

    /// Begins the upgrade that a reload was to precede; `client`, if any, is told how it goes.
    void upgrade_after_reload(const handoff::request& what, const group_selection& groups,
                              std::shared_ptr<control_connection> client);
    /// The last answer to a client that has asked for a reload alone.
    void tell_reloaded(const handoff::request& what, control_connection& client) const;

    /// The clients that wait for the end of an upgrade, for another master.
    void hand_over(handoff::state& into) const;
    /// Tells `client` how the upgrade of some groups goes, of which `groups` exist.
    void add_watch(std::shared_ptr<control_connection> client, handoff::watch from,
                   const group_selection& groups);

  private:
    reply reload_before_upgrade(const protocol::order& what, const group_selection& groups,
                                const audience& who);
    reply reload_for(handoff::request asked, std::string answer, const audience& who);

    /// A file that was read again, on its way to become the groups.
    struct config_reload {
        std::shared_ptr<control_connection> client; ///< null: nobody waits
        protocol::reply_id id;
        const protocol::dialect* spoken;
        std::vector<config::group_settings> groups;
        std::shared_ptr<void> hold = nullptr; ///< of the client
        os::look_ups names = {};
        loop::background::job look_up = {};
    };
    reply begin(config_reload what);
    void look_up_first();
    void finish_first(os::result<os::look_ups> names);
    reply carry_out(config_reload& what);
    static void answer(const config_reload& to, const reply& what);

    master& master_;
    watch_list<upgrade_watch> watches_;
    std::deque<config_reload> config_reloads_; ///< in their order; names of the first are looked up
};

} // namespace einhyrningsins::master
