// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "handoff/state.hpp"
#include "master/commands/access.hpp"
#include "master/commands/audience.hpp"
#include "protocol/order.hpp"
#include "protocol/reply.hpp"
#include "protocol/request.hpp"

#include <memory>
#include <optional>

namespace einhyrningsins::master {

/// What the commands of one language do (SPEC section 8).
class command_set {
  public:
    virtual ~command_set() = default;

    /// Does what an operator asks for to `groups`, of which there is at least one. `what` is what
    /// `asked` means. Returns the answer; nothing: it has been sent, or comes later.
    virtual std::optional<protocol::reply> carry_out(const protocol::order& what,
                                                     const protocol::request& asked,
                                                     const group_selection& groups,
                                                     const audience& who) = 0;

    /// Begins the upgrade that a reload was to precede. `groups` are those of the request that
    /// still exist; `client`, if any, is told how it goes.
    virtual void upgrade_after_reload(const handoff::request& what, const group_selection& groups,
                                      std::shared_ptr<control_connection> client) = 0;
};

} // namespace einhyrningsins::master
