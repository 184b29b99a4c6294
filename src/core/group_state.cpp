// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/group_state.hpp"

#include <algorithm>
#include <set>

namespace einhyrningsins::core {
namespace {

std::string name_of(const worker& worker) {
    return "worker #" + std::to_string(static_cast<std::uint64_t>(worker.id));
}

std::string find_contradiction(const worker& worker, const group_state& state) {
    if (static_cast<std::uint64_t>(worker.id) > state.last_id) return "is of the future";
    if (worker.generation == 0 || worker.generation > state.last_generation)
        return "is of no known generation";
    if (worker.pid < 0 || worker.pid == 1) return "has an impossible pid";
    if (worker.pid != 0 && !worker.has_process()) return "was never asked for";
    if (worker.pid == 0 && worker.has_process())
        return std::string("is ") + to_string(worker.state) + " without a process";
    if (worker.state == worker_state::cancelled && worker.told.signal == 0)
        return "is to go, by no signal";
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
    for (const worker& worker : state.workers) {
        if (auto wrong = find_contradiction(worker, state); !wrong.empty())
            return name_of(worker) + " " + wrong;
        if (!ids.insert(worker.id).second) return name_of(worker) + " is there twice";
        if (worker.pid != 0 && !pids.insert(worker.pid).second)
            return "pid " + std::to_string(worker.pid) + " is there twice";
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
