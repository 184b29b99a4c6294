// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "handoff/state.hpp"

#include <boost/system/result.hpp>

#include <string>
#include <string_view>

namespace einhyrningsins::handoff {

/// The state as versioned JSON.
std::string to_text(const state& all);

/// Reads what to_text has written, in this or in another version: unknown members are ignored,
/// missing ones have their defaults. The error is one line that names the member at fault. What it
/// returns is without contradiction in itself; whether descriptors and processes are there is for
/// the caller to see.
boost::system::result<state, std::string> parse(std::string_view text);

} // namespace einhyrningsins::handoff
