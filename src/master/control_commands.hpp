// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/time.hpp"
#include "master/control_connection.hpp"
#include "master/status.hpp"
#include "protocol/commands.hpp"
#include "protocol/reply.hpp"
#include "protocol/request.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace einhyrningsins::master {

class master;
class group_runner;

/// Carries out what clients ask for at the control socket (SPEC section 8).
class control_commands {
  public:
    explicit control_commands(master& everything) : master_(everything) {}

    /// Answers one line of `client`.
    void handle(control_connection& client, std::string_view line);

    /// Members of this group are operators.
    void set_operators(gid_t group) { operators_ = group; }

  private:
    using order = protocol::order;
    using reply = protocol::reply;
    using request_id = std::optional<boost::json::value>;
    using group_selection = std::vector<group_runner*>;

    reply carry_out(const order& what, control_connection& client, const request_id& id);
    bool is_worker_command(const order& what, const control_connection& client) const;
    reply turn_away(control_connection& client);
    void log_refusal(const std::string& text);
    std::optional<group_selection> select(const std::string& name) const;

    reply on_worker(const order& what, const control_connection& client, bool trusted);
    reply on_groups(const order& what, const group_selection& groups);
    reply upgrade(const order& what, control_connection& client, const request_id& id,
                  const group_selection& groups);
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
    reply change(const order& what, const group_selection& groups);
    reply change_level(int steps);

    master& master_;
    std::optional<gid_t> operators_;
    core::time_point refusals_since_;
    unsigned refusals_ = 0; ///< since then
};

} // namespace einhyrningsins::master
