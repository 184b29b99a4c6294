// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/event.hpp"
#include "core/lineage.hpp"
#include "core/report.hpp"
#include "core/time.hpp"

#include <boost/describe/class.hpp>

#include <optional>
#include <vector>

namespace einhyrningsins::core {

/// Requests for an upgrade that arrive in a burst are to cause one, or at most two: while an
/// upgrade is younger than this, another one waits (unless the first ends before).
constexpr duration upgrade_overtakes_after = std::chrono::seconds(1);

/// An upgrade under way: from `previous` to the group's current generation.
struct upgrade_progress {
    upgrade_mode mode = upgrade_mode::rolling;
    std::optional<int> signal; ///< tells the old workers to go; nothing: the stop signal
    lineage previous;
    unsigned capacity = 0; ///< when it began; refilled from `previous` until the new one is proven
    time_point began_at;
    bool spawned = false;              ///< a worker of the new generation has been asked for
    bool held = false;                 ///< report_of::upgrade_held was told
    std::optional<upgrade_mode> again; ///< another upgrade was asked for meanwhile
    std::optional<int> again_signal;   ///< its signal
    std::vector<failure> failures;     ///< the row of the new generation, its last ones

    /// The upgrade that was asked for during this one; nothing: none was.
    std::optional<event::upgrade> next() const;
    /// Another upgrade is asked for; see joined().
    void add_next(const event::upgrade& request);
    /// When that one begins, though this one has not ended; nothing: there is none.
    std::optional<time_point> overtaken_at() const;

    void keep(failure failed);
    /// How many old workers have to be there until the new generation is proven.
    unsigned least_old(const policy& policy) const;
};
BOOST_DESCRIBE_STRUCT(upgrade_progress, (),
                      (mode, signal, previous, capacity, began_at, spawned, held, again,
                       again_signal, failures))

} // namespace einhyrningsins::core
