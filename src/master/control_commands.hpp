// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/time.hpp"
#include "master/control_connection.hpp"
#include "master/einhorn_commands.hpp"
#include "master/status.hpp"
#include "protocol/order.hpp"
#include "protocol/reply.hpp"
#include "protocol/request.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace einhyrningsins::master {

class master;
class group_runner;
class upgrade_watch;

/// Carries out what clients ask for at the control socket (SPEC section 8).
class control_commands {
  public:
    explicit control_commands(master& everything) : master_(everything), einhorn_(everything) {}

    /// Answers one line of `client`; nothing: it was too long.
    void handle(control_connection& client, std::optional<std::string_view> line);

    /// Members of this group are operators.
    void set_operators(gid_t group) { operators_ = group; }

    using client_map = std::map<int, std::shared_ptr<control_connection>>; ///< by descriptor

    /// The clients that wait for the end of an upgrade, for another master.
    void hand_over(handoff::state& into) const;
    void take_over(const std::vector<handoff::watch>& from, const client_map& clients);

    /// The upgrade that a reload was to precede; `client`, if any, hears how it goes.
    void upgrade_after_reload(const handoff::wish& what,
                              std::shared_ptr<control_connection> client);
    /// The last answer to who asked for a reload alone.
    void tell_reloaded(const handoff::wish& what, control_connection& client);

  private:
    using order = protocol::order;
    using reply = protocol::reply;
    using request_id = std::optional<boost::json::value>;
    using group_selection = std::vector<group_runner*>;

    bool speaks_einhorn(protocol::dialect form) const;
    void refuse_long_line(control_connection& client) const;
    void refuse_line(const protocol::request_error& why, control_connection& client);
    void handle_as_einhorn(const protocol::request& asked, control_connection& client);
    reply carry_out_as_einhorn(const protocol::request& asked, control_connection& client);
    void hear_worker_silently(const protocol::request& asked, control_connection& client);

    reply carry_out(const order& what, control_connection& client, const request_id& id);
    bool may(protocol::verb what, const control_connection& client) const;
    reply turn_away(control_connection& client);
    reply turn_away_from(const std::string& group) const;
    void log_refusal(const std::string& text);
    std::optional<group_selection> select(const std::string& name) const;
    group_selection select(const std::vector<std::string>& names) const;

    reply on_worker(const order& what, const control_connection& client);
    reply on_groups(const order& what, const group_selection& groups);
    reply upgrade(const order& what, control_connection& client, const request_id& id,
                  const group_selection& groups, protocol::dialect form = protocol::dialect::json);
    reply status(const group_selection& groups) const;
    reply state(const group_selection& groups) const;
    boost::json::value describe(const group_selection& groups,
                                decltype(group_status) describe_group) const;
    reply list(const group_selection& groups) const;
    reply resize(const order& what, const group_selection& groups);
    reply start(const group_selection& groups);
    reply stop(const order& what, const group_selection& groups);
    reply forward(const std::vector<int>& signals, const group_selection& groups);
    reply die(const order& what);
    reply reload(handoff::wish wish, control_connection& client, const request_id& id,
                 protocol::dialect form, std::string answer);
    reply reload_config(control_connection& client, const request_id& id);
    reply reload_before_upgrade(const order& what, control_connection& client, const request_id& id,
                                const group_selection& groups, protocol::dialect form);
    void watch(std::shared_ptr<upgrade_watch> fresh);
    reply change(const order& what, const group_selection& groups);
    reply change_level(int steps);

    master& master_;
    einhorn_commands einhorn_;
    std::optional<gid_t> operators_;
    std::vector<std::weak_ptr<upgrade_watch>> watches_;
    core::time_point refusals_since_;
    unsigned refusals_ = 0; ///< since then
};

} // namespace einhyrningsins::master
