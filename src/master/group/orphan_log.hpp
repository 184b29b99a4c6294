// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/time.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace einhyrningsins::master {

/// Decides when it is logged that pipes were closed which what dead workers of a group have left
/// behind holds open: at once, but no more than one line in a period for each group. What is closed
/// meanwhile is told when the period is over, even if nothing more is closed.
class orphan_log {
  public:
    static constexpr core::duration period = std::chrono::seconds(10);

    /// A group, and how many of its pipes were closed so far.
    using line = std::pair<std::string, std::uint64_t>;

    /// So many pipes of a group were closed.
    void note(const std::string& group, std::size_t closed) { accounts_[group].closed += closed; }
    /// What is to be logged now.
    std::vector<line> due(core::time_point now);
    /// When more is; nothing: all that was closed is told.
    std::optional<core::time_point> next() const;
    /// All that was not told yet, before the end or a reload, which begins new counts.
    std::vector<line> rest(core::time_point now);
    /// Forgets the groups that `exists` rejects. Returns what was not told of them.
    std::vector<line> keep_only(const std::function<bool(const std::string&)>& exists);

  private:
    struct account {
        std::uint64_t closed = 0, told = 0;
        core::time_point next_line = core::time_point::min();

        bool is_told() const { return told == closed; }
    };

    std::map<std::string, account> accounts_; ///< by group
};

} // namespace einhyrningsins::master
