// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <random>
#include <string_view>

namespace einhyrningsins::world {

/// Decides which system calls fail, and how: with an errno of the call's manual page that a machine
/// in need gives. "epoll_ctl ADD" and "fcntl F_DUPFD" are parts of a call.
class faults {
  public:
    explicit faults(std::uint64_t seed) : random_(seed) {}

    /// The most usual errno of a call; 0: it does not fail.
    static int usual(std::string_view call);

    /// How many of a thousand calls that can fail do; 0: none.
    unsigned per_thousand = 0;
    /// An errno, or 0.
    int next(std::string_view call);

  private:
    std::mt19937_64 random_;
};

} // namespace einhyrningsins::world
