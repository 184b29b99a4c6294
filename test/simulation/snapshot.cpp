// SPDX-License-Identifier: GPL-3.0-or-later
#include "simulation/snapshot.hpp"

#include <algorithm>

namespace einhyrningsins::simulation {

const record* snapshot::find(core::worker_id id) const {
    auto found = std::ranges::lower_bound(table, id, {}, &record::id);
    return found == table.end() || found->id != id ? nullptr : &*found;
}

const record* snapshot::find_process(core::worker_id id) const {
    const record* found = find(id);
    return found && found->has_process() ? found : nullptr;
}

unsigned snapshot::capacity() const {
    return static_cast<unsigned>(std::ranges::count_if(table, &record::ready));
}

snapshot take_snapshot(const core::group& group) {
    snapshot taken{.phase = group.phase(),
                   .current = group.current().generation,
                   .deadline = group.next_deadline(),
                   .awaits_demand = group.awaits_demand()};
    if (const auto& upgrade = group.upgrade()) {
        taken.previous = upgrade->previous.generation;
        taken.mode = upgrade->mode;
    }
    taken.table.reserve(group.workers().size());
    for (const core::worker& who : group.workers())
        taken.table.push_back({who.id, who.pid, who.index, who.generation, who.state});
    return taken;
}

core::census count(const snapshot& at) {
    core::census result;
    for (const record& who : at.table) {
        ++result.existing;
        if (!who.active()) continue;
        if (at.is_old(who)) {
            ++result.old_active;
            continue;
        }
        ++result.fresh_active;
        ++(who.ready() ? result.fresh_ready : result.fresh_unacked);
    }
    return result;
}

} // namespace einhyrningsins::simulation
