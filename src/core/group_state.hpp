// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/lineage.hpp"
#include "core/policy.hpp"
#include "core/upgrade_progress.hpp"
#include "core/worker.hpp"

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

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
BOOST_DESCRIBE_ENUM(group_phase, stopped, waiting, running, stopping, given_up)

/// How a worker ended that nobody had told to.
struct death {
    process_id pid = 0;
    exit_cause cause;
    duration age{};
    core::generation generation = 0;
};
BOOST_DESCRIBE_STRUCT(death, (), (pid, cause, age, generation))

/// All that a group knows, as plain data: what one master hands to the next (SPEC 7.5). What was
/// decided and not yet done is not in it.
struct group_state {
    policy wishes; ///< what is wanted now
    group_phase phase = group_phase::stopped;
    time_point opened_at;           ///< of a waiting group: the warm-up counts from here
    bool demanded = false;          ///< likewise: the first client has come
    bool start_again = false;       ///< when the stop is through
    bool starts_as_upgrade = false; ///< likewise: somebody has asked for one
    std::vector<worker> workers;
    lineage current;
    std::optional<upgrade_progress> upgrade;
    generation last_generation = 0;
    std::uint64_t last_id = 0;
    std::map<unsigned, unsigned> restarts; ///< by index, of those that died without being told to
    std::optional<death> last_death;
};
BOOST_DESCRIBE_STRUCT(group_state, (),
                      (wishes, phase, opened_at, demanded, start_again, starts_as_upgrade, workers,
                       current, upgrade, last_generation, last_id, restarts, last_death))

/// What is wrong with a state that no group can have come to, in one line; empty: nothing.
std::string find_contradiction(const group_state& state);

} // namespace einhyrningsins::core
