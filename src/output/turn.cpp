// SPDX-License-Identifier: GPL-3.0-or-later
#include "output/turn.hpp"

#include <algorithm>

namespace einhyrningsins::output {

turn next_turn(const turn_facts& of) {
    using enum turn::kind;
    bool pipe_is_free = of.piped < largest_pipe / 2;
    if (of.is_large && of.can_be_piped && pipe_is_free && (of.piped > 0 || of.can_start))
        return {move, largest_pipe};
    if (of.is_stuck) return {read, largest_read};
    bool is_ahead = of.is_large ? !of.can_start || !pipe_is_free : of.waiting >= largest_read;
    if (of.room == 0 || (is_ahead && !of.is_slow)) return {wait, 0};
    return {read, std::min(of.room, largest_read)};
}

std::size_t orphan_limit(std::size_t groups, std::size_t descriptors) {
    constexpr std::size_t least = 2, most = 256;
    return std::clamp(descriptors / 4 / std::max<std::size_t>(groups, 1), least, most);
}

} // namespace einhyrningsins::output
