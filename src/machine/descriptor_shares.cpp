// SPDX-License-Identifier: GPL-3.0-or-later
#include "machine/descriptor_shares.hpp"

#include <algorithm>

namespace einhyrningsins::machine {

bool may_accept(std::size_t clients, std::size_t left, std::size_t limit) {
    constexpr std::size_t most_kept = 64;
    return clients < fewest_clients || left > std::min(most_kept, limit / 4);
}

core::time_point gives_way_at(core::time_point quiet_since, bool is_owed) {
    constexpr core::duration idle = std::chrono::seconds(1), owed = std::chrono::seconds(10);
    return quiet_since + (is_owed ? owed : idle);
}

bool may_start(std::size_t left) { return left >= fewest_clients; }

} // namespace einhyrningsins::machine
