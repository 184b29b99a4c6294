// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "master/commands/group_changes.hpp"
#include "protocol/reply.hpp"

#include <string>

namespace einhyrningsins::master {

/// The result of a command for one group.
struct outcome {
    std::string text;
    bool ok = true;
};

/// Calls `deed`, which returns an outcome, for each group, and reports the result of each.
template <class Deed>
protocol::reply for_each(const group_selection& groups, Deed deed) {
    protocol::reply all;
    for (group_runner* runner : groups) {
        outcome one = deed(*runner);
        if (!all.message.empty()) all.message += "\n";
        all.message += runner->settings().name + ": " + one.text;
        all.ok = all.ok && one.ok;
    }
    return all;
}

/// "1 worker", "2 workers".
inline std::string count_of(std::size_t count, const char* noun) {
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

} // namespace einhyrningsins::master
