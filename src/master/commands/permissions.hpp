// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/time.hpp"
#include "master/commands/access.hpp"
#include "master/control/control_connection.hpp"
#include "protocol/commands.hpp"
#include "protocol/reply.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace einhyrningsins::master {

/// Who may do what at the control sockets, and what is made of those who may not (SPEC section 8).
class permissions {
  public:
    /// `groups` are those of the master, and have to outlive it.
    explicit permissions(const group_list& groups) : groups_(groups) {}

    /// Members of this group are operators.
    void set_operators(gid_t group) { operators_ = group; }

    /// Whether the client may give that command.
    bool may(protocol::verb what, const control_connection& client) const;
    /// Whether it may speak for `worker`, and not only for `own`, the worker that it is itself.
    bool may_speak_for(const found_worker& worker, const found_worker& own,
                       const control_connection& client) const;

    /// The answer to who may not give a command; it is logged.
    protocol::reply turn_away(std::string_view command, const control_connection& client);
    /// The answer to a worker that speaks for another one; it is logged.
    protocol::reply turn_away_from_worker(core::process_id worker,
                                          const control_connection& client);
    /// Logs a refusal, unless there were too many of them: somebody who tries it again and again
    /// must not fill the log.
    void log_refusal(const std::string& text);

  private:
    const group_list& groups_;
    std::optional<gid_t> operators_;
    core::time_point refusals_since_;
    unsigned refusals_ = 0; ///< since then
};

} // namespace einhyrningsins::master
