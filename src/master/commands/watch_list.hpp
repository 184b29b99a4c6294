// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <utility>
#include <vector>

namespace einhyrningsins::master {

/// Watches that clients wait for, to be carried over when the master replaces itself. They are
/// owned by what they observe.
template <class Watch>
class watch_list {
  public:
    void add(std::shared_ptr<Watch> fresh) {
        std::erase_if(watches_, [](const auto& one) { return one.expired(); });
        watches_.push_back(std::move(fresh));
    }

    /// Adds to `into` what another master needs of those that still wait.
    void hand_over(auto& into) const {
        for (const auto& one : watches_)
            if (auto watch = one.lock())
                if (auto state = watch->hand_over()) into.push_back(std::move(*state));
    }

  private:
    std::vector<std::weak_ptr<Watch>> watches_;
};

} // namespace einhyrningsins::master
