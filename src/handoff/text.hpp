// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "handoff/state.hpp"

#include <boost/system/result.hpp>

#include <string>
#include <string_view>

namespace einhyrningsins::handoff {

/// Writes the state as versioned JSON.
std::string to_text(const state& all);

/// Reads what to_text() of this or another version has written: unknown members are ignored and
/// missing ones have their defaults. The error is one line that names the member. The result is
/// consistent in itself (see find_contradiction()), as impossible clients are dropped; whether its
/// descriptors and processes exist is for the caller to check.
boost::system::result<state, std::string> parse(std::string_view text);

} // namespace einhyrningsins::handoff
