// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/group_state.hpp"

#include <algorithm>
#include <set>

namespace einhyrningsins::core {
namespace {

std::string name_of(const worker& who) {
    return "worker #" + std::to_string(static_cast<std::uint64_t>(who.id));
}

std::string find_contradiction(const worker& who, const group_state& state) {
    if (static_cast<std::uint64_t>(who.id) > state.last_id) return "is of the future";
    if (who.generation == 0 || who.generation > state.last_generation)
        return "is of no known generation";
    if (who.pid < 0 || who.pid == 1) return "has an impossible pid";
    if (who.pid != 0 && !who.spawn_requested) return "was never asked for";
    if (who.state == worker_state::ready && who.pid == 0) return "is ready without a process";
    return {};
}

bool is_of(const lineage& line, const group_state& state) {
    return line.generation <= state.last_generation;
}

} // namespace

std::string find_contradiction(const group_state& state) {
    if (state.wishes.number == 0) return "no worker is wanted";
    std::set<worker_id> ids;
    std::set<process_id> pids;
    for (const worker& who : state.workers) {
        if (auto what = find_contradiction(who, state); !what.empty())
            return name_of(who) + " " + what;
        if (!ids.insert(who.id).second) return name_of(who) + " is there twice";
        if (who.pid != 0 && !pids.insert(who.pid).second)
            return "pid " + std::to_string(who.pid) + " is there twice";
    }
    bool empty = state.phase == group_phase::stopped || state.phase == group_phase::waiting;
    if (empty && !state.workers.empty()) return "a group that is not running has workers";
    if (!is_of(state.current, state)) return "the current generation is of the future";
    bool begun = state.phase == group_phase::running || state.phase == group_phase::given_up;
    if (begun && state.current.generation == 0) return "a running group has no generation";
    if (state.current.ended > state.wishes.number) return "more workers have ended than there were";
    if (!state.upgrade) return {};
    if (state.upgrade->previous.ended > state.wishes.number)
        return "more workers of the old generation have ended than there were";
    if (state.phase != group_phase::running) return "an upgrade of a group that does not run";
    if (state.upgrade->previous.generation >= state.current.generation)
        return "an upgrade to an older generation";
    return {};
}

} // namespace einhyrningsins::core
