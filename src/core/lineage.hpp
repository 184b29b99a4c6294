// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/policy.hpp"
#include "core/time.hpp"
#include "core/worker.hpp"

#include <boost/describe/class.hpp>

#include <optional>

namespace einhyrningsins::core {

/// The account of one generation in which missing workers are started: how it fares, and when the
/// next worker of it may be started.
struct lineage {
    core::generation generation = 0;
    bool proven = false;                  ///< a worker of it has acked
    unsigned failures = 0;                ///< deaths before ack in a row
    unsigned scarcities = 0;              ///< spawns in a row that the machine had no room for
    unsigned rapid_deaths = 0;            ///< in a row, see crash_loop_length
    unsigned ended = 0;                   ///< workers that restart_policy wants no successors for
    bool unstartable_told = false;        ///< report_of::start_failed was, and none is tried again
    std::optional<time_point> not_before; ///< the back-off: no refill until then
    bool wait_untold = false;             ///< report_of::backing_off is due

    /// How many workers of it there are to be: those that ended for good are not wanted again.
    unsigned wanted(const policy& policy) const;
    /// Those that ended for good are wanted again, all the same.
    void want_ended_again();

    /// A worker of it has acked: the row of deaths before ack is over, and so is their back-off.
    void prove(const policy& policy);
    /// A ready worker of it has died at this age, unasked. Returns how many such deaths in a row
    /// are too many, see crash_loop_length.
    unsigned count_death(duration age, const policy& policy);
    /// What is reported of the row that the back-off is for.
    unsigned longest_row(const policy& policy) const;

    /// Begins a back-off, or prolongs it: `end` never shortens one.
    void wait_until(time_point end);
    /// Whether the back-off still lasts. Forgets it when it is over.
    bool is_waiting(time_point now);
};
BOOST_DESCRIBE_STRUCT(lineage, (),
                      (generation, proven, failures, scarcities, rapid_deaths, ended,
                       unstartable_told, not_before, wait_untold))

} // namespace einhyrningsins::core
