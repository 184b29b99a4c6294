// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "master/commands/einhorn_commands.hpp"
#include "master/commands/firestarter_commands.hpp"
#include "master/commands/group_commands.hpp"
#include "master/commands/permissions.hpp"
#include "master/commands/upgrade_commands.hpp"
#include "master/control/control_connection.hpp"
#include "protocol/order.hpp"
#include "protocol/reply.hpp"
#include "protocol/request.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace einhyrningsins::master {

class master;

/// Hears what clients ask for at the control sockets, and answers each in its dialect (SPEC section
/// 8): who may do it is the affair of permissions, and doing it that of the other members.
class control_commands {
  public:
    explicit control_commands(master& everything);

    /// Answers one line of `client`; nothing: it was too long.
    void handle(control_connection& client, std::optional<std::string_view> line);

    /// Members of this group are operators.
    void set_operators(gid_t group) { permissions_.set_operators(group); }

    using client_map = upgrade_commands::client_map;

    /// The clients that wait for an answer, for another master.
    void hand_over(handoff::state& into) const;
    void take_over(const handoff::state& from, const client_map& clients);

    /// The upgrade that a reload was to precede; `client`, if any, hears how it goes.
    void upgrade_after_reload(const handoff::wish& what,
                              std::shared_ptr<control_connection> client);
    /// The last answer to who asked for a reload alone.
    void tell_reloaded(const handoff::wish& what, control_connection& client) const {
        upgrades_.tell_reloaded(what, client);
    }

  private:
    using order = protocol::order;
    using reply = protocol::reply;
    using request_id = std::optional<boost::json::value>;

    protocol::socket_kind kind_of(const control_connection& client) const;
    protocol::dialect answer_dialect(protocol::dialect of_request) const;
    void refuse_long_line(control_connection& client) const;
    void refuse_line(const protocol::request_error& why, control_connection& client);

    void handle_as_json(const protocol::request& asked, control_connection& client);
    reply carry_out(const order& what, control_connection& client, const request_id& id);

    void handle_as_einhorn(const protocol::request& asked, control_connection& client);
    reply carry_out_as_einhorn(const protocol::request& asked, control_connection& client);
    void hear_worker_silently(const protocol::request& asked, control_connection& client);

    void handle_as_firestarter(const protocol::request& asked, control_connection& client);

    reply hear_worker(const order& what, const control_connection& client);
    group_selection select_named(const std::string& name) const;

    master& master_;
    permissions permissions_;
    group_commands groups_;
    upgrade_commands upgrades_;
    einhorn_commands einhorn_;
    firestarter_commands firestarter_;
};

} // namespace einhyrningsins::master
