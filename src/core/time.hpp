// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <optional>

namespace einhyrningsins::core {

/// The types of the monotonic clock. The core never reads the clock: the time of every event is an
/// argument, so that a history can be replayed.
using time_point = std::chrono::steady_clock::time_point;
using duration = std::chrono::steady_clock::duration;

inline bool is_due(const std::optional<time_point>& when, time_point now) {
    return when && *when <= now;
}

} // namespace einhyrningsins::core
