// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "handoff/state.hpp"

#include <optional>
#include <string>

namespace einhyrningsins::master {

/// Whether the system would let a master continue from that state, as far as a trial run can find
/// out without side effects (SPEC 7.5): it does not have the descriptors that the state names.
/// Returns why not, in one line.
std::optional<std::string> rehearse(const handoff::state& from);

} // namespace einhyrningsins::master
