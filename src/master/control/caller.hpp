// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/worker.hpp"
#include "os/credentials.hpp"

#include <cstdint>

namespace einhyrningsins::master {

/// One worker of a master. `serial` identifies it, since the system reuses pids; it is not carried
/// over when the master executes another program.
struct worker_ref {
    core::process_id pid = 0; ///< 0: no worker
    std::uint64_t serial = 0;

    explicit operator bool() const { return pid != 0; }
    bool operator==(const worker_ref&) const = default;
};

/// The client at the other end of a connection to a control socket. It is classified once, when
/// the connection is accepted; a client that is neither an operator nor a worker is not served
/// (SPEC section 8).
struct caller {
    os::peer peer;
    bool is_operator = false; ///< may give every command
    worker_ref worker; ///< the worker that it is or descends from; not looked up for operators
};

} // namespace einhyrningsins::master
