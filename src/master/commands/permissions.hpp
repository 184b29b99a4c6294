// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "master/commands/access.hpp"
#include "master/control/control_connection.hpp"
#include "master/group/pid_table.hpp"
#include "master/refusal_log.hpp"
#include "protocol/commands.hpp"
#include "protocol/reply.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace einhyrningsins::master {

/// Who may do what at the control sockets, and how a refusal is answered and logged (SPEC section
/// 8).
class permissions {
  public:
    /// `groups` and their `workers` are the master's, and have to outlive this object.
    permissions(const group_list& groups, const pid_table& workers)
        : groups_(groups),
          workers_(workers) {}

    /// Members of this group are operators.
    void set_operators(gid_t group) { operators_ = group; }

    /// See control_owner. A stranger costs one look-up at most.
    std::optional<caller> admit(int socket, const handoff::connection& client) const;
    std::size_t most_connections(uid_t user) const;

    /// The live worker with exactly this pid.
    pid_table::entry find(core::process_id pid) const;
    /// The live worker that the client is or descends from.
    pid_table::entry worker_of(const caller& client) const;

    /// Whether the client may give that command.
    static bool may(protocol::verb what, const caller& client) {
        return client.is_operator || protocol::is_for_workers(what);
    }

    /// The answer to a worker that may not give a command; it is logged.
    protocol::reply turn_away(std::string_view command, const caller& client);
    /// The answer to a worker that speaks for another one; it is logged.
    protocol::reply turn_away_from_worker(core::process_id worker, const caller& client);
    /// Logs a refusal, unless that user was refused too often.
    void log_refusal(const os::peer& peer, const std::string& text);

  private:
    worker_ref find_worker_of(int socket, const os::peer& peer) const;

    const group_list& groups_;
    const pid_table& workers_;
    std::optional<gid_t> operators_;
    refusal_log refusals_;
};

} // namespace einhyrningsins::master
