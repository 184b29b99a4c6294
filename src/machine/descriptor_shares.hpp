// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/time.hpp"

#include <cstddef>

/// Who gets descriptors where few are left: numbers in, decisions out.
namespace einhyrningsins::machine {

/// So many clients are accepted however few descriptors are left, as long as there are any, and
/// workers are started only if as many stay free.
constexpr std::size_t fewest_clients = 4;
/// What a master needs besides those that it has open for long: for these clients, and for a moment
/// to start a worker, to look at a process, to write its state.
constexpr std::size_t spare_descriptors = 8;
/// When a client that has been quiet since a certain time has to give way to one that waits to be
/// accepted. `is_owed`: it waits itself, for an answer.
core::time_point gives_way_at(core::time_point quiet_since, bool is_owed);

/// Whether another client may be accepted, where there are `clients`, and `left` descriptors of
/// `limit` are free: a quarter is kept for the master's own work, but not more than it can need.
bool may_accept(std::size_t clients, std::size_t left, std::size_t limit);

/// Whether another worker may be started.
bool may_start(std::size_t left);

} // namespace einhyrningsins::machine
