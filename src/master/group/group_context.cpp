// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/group_context.hpp"

#include "os/process.hpp"

namespace einhyrningsins::master {
namespace {

/// How far up a worker is looked for. Deeper trees are somebody's joke.
constexpr int most_ancestors = 64;

} // namespace

std::optional<core::process_id> group_context::worker_above(core::process_id pid) const {
    hear_births();
    std::optional<core::process_id> one = pid;
    for (int depth = 0; one && *one > 1 && depth < most_ancestors; ++depth) {
        if (group.find(*one)) return one;
        one = os::parent_of(*one);
    }
    return std::nullopt;
}

} // namespace einhyrningsins::master
