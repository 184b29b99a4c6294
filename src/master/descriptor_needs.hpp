// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "handoff/state.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace einhyrningsins::master {

/// Why a master that is about to begin from a first state could not have all its workers, their
/// logs and clients with so many descriptors, in one line that says how many it needs; nothing: it
/// can. `used`: how many it has open already.
std::optional<std::string> why_too_few_descriptors(const handoff::state& from, std::size_t used,
                                                   std::size_t limit);

} // namespace einhyrningsins::master
