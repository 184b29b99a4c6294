// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/time.hpp"

#include <map>
#include <string>
#include <vector>

namespace einhyrningsins::master {

/// Decides which refusals are logged. Each user has a share of the log of his own, so that one who
/// is refused again and again neither fills the log nor hides another.
class refusal_log {
  public:
    /// A user's share: so many lines in that time.
    static constexpr unsigned lines_a_period = 10;
    static constexpr core::duration period = std::chrono::seconds(10);
    /// Users that have a share at the same time. All others have one together.
    static constexpr std::size_t most_users = 64;

    /// The lines that are to be logged now that `user` was refused something: `text`, unless the
    /// share is used up, and how many lines were left out.
    std::vector<std::string> note(unsigned user, const std::string& text, core::time_point now);

  private:
    struct share {
        core::time_point since;
        unsigned refusals = 0;
    };

    share& share_of(unsigned user, core::time_point now);

    std::map<unsigned, share> shares_;
    share others_;
};

} // namespace einhyrningsins::master
