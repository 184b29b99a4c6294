// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "handoff/state.hpp"

namespace einhyrningsins::master {

/// Fills in what the program that handed over the state has left out and the system knows: where
/// listeners are bound, and who the clients are. einhorn (Ruby) has just their descriptors.
void complete(handoff::state& from);

} // namespace einhyrningsins::master
