// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "world/kernel/kernel.hpp"

#include <optional>

namespace einhyrningsins::world {

/// What a worker does with its life.
struct worker_plan {
    enum class ack_kind {
        none,      ///< it lives on, which is an ack if the master waits for a time
        by_socket, ///< worker:ack at the control socket
        by_notify  ///< READY=1 at the notify socket
    };
    ack_kind ack = ack_kind::none;
    instant acks_after = std::chrono::milliseconds(20);
    instant hesitates{};                 ///< between its connection and the ack by it
    std::optional<instant> dies_after;   ///< by itself
    int death = 1 << 8;                  ///< as wait(2) has it
    std::optional<instant> writes_every; ///< a line, to its standard output
    /// How often it touches its watch file, if it has one.
    instant touches_every = std::chrono::seconds(1);
    /// How long it takes to exit when it is told to; nothing: it does not listen.
    std::optional<instant> exits_after = std::chrono::milliseconds(5);
};

/// Begins the life of a process that has executed the workers' program.
void begin_worker(kernel& system, const process_ptr& worker, const worker_plan& plan);

} // namespace einhyrningsins::world
