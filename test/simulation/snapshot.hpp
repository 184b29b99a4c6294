// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/group.hpp"

#include <optional>
#include <vector>

namespace einhyrningsins::simulation {

/// What the invariants see of a worker.
struct record {
    core::worker_id id{};
    core::process_id pid = 0;
    unsigned index = 0;
    core::generation generation = 0;
    core::worker_state state{};
    bool operator==(const record&) const = default;

    bool active() const { return starting() || ready(); }
    /// On its way to its ack, whether it has been spawned or not.
    bool starting() const { return state == wanted || state == spawning || state == begun; }
    bool ready() const { return state == core::worker_state::ready; }
    bool requested() const { return state != wanted; } ///< the shell was asked to spawn it
    bool has_process() const { return requested() && state != spawning && state != cancelled; }

    static constexpr auto wanted = core::worker_state::wanted;
    static constexpr auto spawning = core::worker_state::spawning;
    static constexpr auto cancelled = core::worker_state::cancelled;
    static constexpr auto begun = core::worker_state::starting;
};

/// A group at one point in time.
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
    const record* find_process(core::worker_id id) const; ///< nullptr: it has none
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
