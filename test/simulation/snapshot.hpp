// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/group.hpp"

#include <optional>
#include <vector>

namespace einhyrningsins::simulation {

/// What an invariant sees of a worker.
struct record {
    core::worker_id id{};
    core::process_id pid = 0;
    unsigned index = 0;
    core::generation generation = 0;
    core::worker_state state{};
    bool requested = false; ///< the shell was asked to spawn it
    bool operator==(const record&) const = default;

    bool active() const { return state != core::worker_state::stopping; }
    bool starting() const { return state == core::worker_state::starting; }
    bool ready() const { return state == core::worker_state::ready; }
};

/// A group at one moment.
struct snapshot {
    core::group_phase phase{};
    core::generation current = 0;
    std::optional<core::generation> previous; ///< of the upgrade under way
    std::optional<core::upgrade_mode> mode;   ///< likewise
    std::optional<core::time_point> deadline;
    bool awaits_demand = false;
    std::vector<record> table; ///< in the order of their ids
    bool operator==(const snapshot&) const = default;

    const record* find(core::worker_id id) const;
    const record* find_pid(core::process_id pid) const;
    bool is_old(const record& who) const { return previous && who.generation != current; }
    /// Whether missing workers may be started in that generation.
    bool has_lineage(core::generation number) const {
        return number == current || number == previous;
    }
    unsigned capacity() const;
};

snapshot take_snapshot(const core::group& group);

/// The workers of a snapshot as an upgrade counts them, see core::census; counted anew here.
core::census count(const snapshot& at);

} // namespace einhyrningsins::simulation
