// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/policy.hpp"
#include "core/report.hpp"
#include "core/worker.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::core {

enum class group_phase {
    stopped,  ///< no worker is wanted, and none is there; before the first start, too
    waiting,  ///< likewise, but the group will start: after its warm-up, or with its first client
    running,  ///< workers are kept alive
    stopping, ///< no worker is wanted, some are still there
    given_up  ///< too many deaths before ack in a row: none is started until somebody asks for it
};

/// The generation that missing workers are started in, and how it fares.
struct lineage {
    core::generation generation = 0;
    bool proven = false;                  ///< a worker of it has acked
    unsigned failures = 0;                ///< deaths before ack in a row
    unsigned scarcities = 0;              ///< spawns in a row that the machine had no room for
    unsigned rapid_deaths = 0;            ///< in a row, see is_crash_loop
    unsigned ended = 0;                   ///< workers that restart_policy wants no others for
    bool unstartable_told = false;        ///< report_of::start_failed was, and none is tried again
    std::optional<time_point> not_before; ///< the back-off: no refill until then
    bool wait_untold = false;             ///< report_of::backing_off is due
};

/// Requests for an upgrade that arrive in a burst are to cause one, or at most two: while an
/// upgrade is younger than this, another one waits (unless the first ends before).
constexpr duration upgrade_overtakes_after = std::chrono::seconds(1);

/// An upgrade under way: from `previous` to the group's current lineage.
struct upgrade_progress {
    upgrade_mode mode = upgrade_mode::rolling;
    lineage previous;
    unsigned capacity = 0; ///< when it began; refilled from `previous` until the new one is proven
    time_point began_at;
    bool spawned = false;              ///< a worker of the new generation has been asked for
    bool held = false;                 ///< report_of::upgrade_held was told
    std::optional<upgrade_mode> again; ///< another upgrade was asked for meanwhile
    std::vector<failure> failures;     ///< the row of the new generation
};

struct death {
    process_id pid = 0;
    exit_cause cause;
    duration age{};
    core::generation generation = 0;
};

/// All that a group knows, as plain data: what one master hands to the next (SPEC 7.5). What was
/// decided and not yet done is not in it.
struct group_state {
    policy wishes;
    group_phase phase = group_phase::stopped;
    time_point opened_at;     ///< of a waiting group: the warm-up counts from here
    bool demanded = false;    ///< likewise: the first client has come
    bool start_again = false; ///< when the stop is through
    std::vector<worker> workers;
    lineage current;
    std::optional<upgrade_progress> upgrade;
    generation last_generation = 0;
    std::uint64_t last_id = 0;
    std::map<unsigned, unsigned> restarts; ///< by index, of those that died without being told to
    std::optional<death> last_death;
};

/// What is wrong with a state that no group can have come to, in one line; empty: nothing.
std::string find_contradiction(const group_state& state);

} // namespace einhyrningsins::core
