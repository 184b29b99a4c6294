// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace einhyrningsins::core {

/// The name of a signal as signal(7) writes it: "SIGTERM", "SIGRTMIN+3"; "signal 77" for a number
/// that is none.
std::string signal_name(int number);

/// The signal that a user means by "TERM", "SIGTERM", "term", "RTMIN+3" or "15"; nothing if it is
/// none.
std::optional<int> signal_number(std::string_view name);

} // namespace einhyrningsins::core
