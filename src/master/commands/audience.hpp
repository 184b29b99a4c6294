// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "master/control/control_connection.hpp"
#include "protocol/dialect.hpp"

namespace einhyrningsins::master {

/// Who hears what comes of a command, and how. For the length of a call: what is to be told later
/// needs the connection and the id of its own.
struct audience {
    control_connection& client;
    const protocol::reply_id& id; ///< of the request; nothing: there is one answer only
    const protocol::dialect& spoken;
};

/// Sends an answer. After the last one to a request the connection is closed if the language has
/// it so.
void tell(const audience& who, const protocol::reply& what);

} // namespace einhyrningsins::master
