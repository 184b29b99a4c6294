// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/time.hpp"
#include "handoff/state.hpp"
#include "master/control/caller.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace einhyrningsins::master {

class control_connection;

/// What control sockets leave to the rest of the master: who is served, and what is answered.
class control_owner {
  public:
    virtual ~control_owner() = default;

    /// Classifies the client at the other end of `socket`, unless `client` says which worker it is.
    /// Returns nothing for a stranger, who is not served.
    virtual std::optional<caller> admit(int socket, const handoff::connection& client) = 0;
    /// How a client is described to another master, see handoff::connection::worker.
    virtual int worker_to_hand_over(const caller& client) const = 0;
    /// How many connections a user who is no operator may have at once.
    virtual std::size_t most_connections(uid_t user) const = 0;

    /// Returns the line, with its newline, that a client gets who is not served at the socket of
    /// `group` (empty: the master's own). Logs the refusal.
    virtual std::string turn_away(const os::peer& peer, const std::string& group,
                                  const std::string& why) = 0;

    /// Clients, workers with acks among them, have to wait for `length` from now on before they are
    /// accepted.
    virtual void delay_clients(core::duration length) = 0;

    /// Logs what a client has done wrong, unless there are too many such lines.
    virtual void complain(const os::peer& peer, const std::string& text) = 0;

    /// Answers one line of a client. `line` is nothing if it was too long; there is no other then.
    virtual void handle(control_connection& client, std::optional<std::string_view> line) = 0;
};

} // namespace einhyrningsins::master
