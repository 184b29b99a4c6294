// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "master/commands/einhorn_commands.hpp"
#include "master/commands/firestarter_commands.hpp"
#include "master/commands/group_commands.hpp"
#include "master/commands/memory_survey.hpp"
#include "master/commands/permissions.hpp"
#include "master/commands/upgrade_commands.hpp"
#include "master/control/control_connection.hpp"
#include "master/control/control_owner.hpp"
#include "protocol/dialect.hpp"
#include "protocol/order.hpp"
#include "protocol/reply.hpp"
#include "protocol/request.hpp"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace einhyrningsins::master {

class master;

/// Answers what clients ask for at the control sockets, each in its own language (SPEC section 8).
/// Who may do what is decided by `permissions`; the command set of the language does it.
class control_commands : public control_owner {
  public:
    control_commands(boost::asio::io_context& context, master& everything);

    /// Gives the answers that come later: there is no other turn of the loop.
    void finish() { memory_.finish(); }

    std::optional<caller> admit(int socket, const handoff::connection& client) override;
    int worker_to_hand_over(const caller& client) const override;
    std::size_t most_connections(uid_t user) const override;
    void delay_clients(core::duration length) override;
    std::string turn_away(const os::peer& peer, const std::string& group,
                          const std::string& why) override;
    void complain(const os::peer& peer, const std::string& text) override;
    void handle(control_connection& client, std::optional<std::string_view> line) override;

    /// Members of this group are operators.
    void set_operators(gid_t group) { permissions_.set_operators(group); }

    using client_map = upgrade_commands::client_map;

    /// The clients that wait for an answer, for another master.
    void hand_over(handoff::state& into) const;
    /// Goes on with those of another master.
    void add_watches(const handoff::state& from, const client_map& clients);

    /// The upgrade that a reload was to precede; `client`, if any, hears how it goes.
    void upgrade_after_reload(const handoff::request& what,
                              std::shared_ptr<control_connection> client);
    /// A request of reload_config that another master has not finished; `client`, if any, is told.
    void reload_config_again(const handoff::request& what,
                             std::shared_ptr<control_connection> client) {
        upgrades_.reload_config_again(what, std::move(client));
    }
    /// Ends those that are under way, for that reason.
    void cancel_config_reloads(const std::string& why) { upgrades_.cancel_config_reloads(why); }
    /// The last answer to a client that has asked for a reload alone.
    void tell_reloaded(const handoff::request& what, control_connection& client) const {
        upgrades_.tell_reloaded(what, client);
    }

  private:
    using order = protocol::order;
    using reply = protocol::reply;

    protocol::socket_kind kind_of(const std::string& group) const;
    command_set& commands_in(const protocol::dialect& spoken);
    void refuse_long_line(control_connection& client, const protocol::dialect& spoken) const;
    void handle(const protocol::request& asked, control_connection& client);
    void conclude(const audience& who, const std::string& command, const reply& answer);
    std::optional<reply> carry_out(const order& what, const protocol::request& asked,
                                   const audience& who);
    reply hear_worker(const order& what, const audience& from);

    master& master_;
    permissions permissions_;
    upgrade_commands upgrades_;
    memory_survey memory_;
    group_commands ours_;
    einhorn_commands einhorn_;
    firestarter_commands firestarter_;
    std::array<command_set*, 3> sets_; ///< in the order of config::dialect_name
};

} // namespace einhyrningsins::master
