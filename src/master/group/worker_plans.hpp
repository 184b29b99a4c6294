// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/worker.hpp"
#include "handoff/state.hpp"
#include "master/group/group_context.hpp"
#include "os/spawn.hpp"

#include <map>
#include <optional>
#include <vector>

namespace einhyrningsins::master {

class group_services;

/// What the workers of each generation are made from, kept for as long as the generation may need
/// one more: the last worker of an old generation is like its first.
class worker_plans {
  public:
    /// A plan that could not be made is kept as well, with the reason.
    using plan_result = os::result<os::spawn_plan>;

    /// Both have to outlive it.
    worker_plans(const group_context& of, const group_services& services)
        : of_(of),
          services_(services) {}

    /// The generation begins: from now on it is made from what the group is now.
    void begin(core::generation number);
    /// The plan of a generation. One that could not be made is tried again, since what was missing
    /// may be there now. Valid until the next call of a function that is not const.
    const plan_result& of(core::generation number);
    /// Whom the workers of a generation run as; nothing: as the master.
    const std::optional<os::identity>& identity_of(core::generation number) const;
    /// Of all plans, those of the listeners; some more than once.
    std::vector<int> descriptors() const;
    /// Those of one plan; nothing if there is none.
    std::optional<std::vector<int>> descriptors_of(core::generation number) const;

    /// Forgets generations that no worker will be started in any more.
    void forget_unneeded();
    void forget_all() { plans_.clear(); }

    void hand_over(handoff::group& into) const;
    /// A plan that cannot be made again is made anew when it is needed.
    void take_over(const handoff::recipe& from);

  private:
    const group_context& of_;
    const group_services& services_;
    std::map<core::generation, plan_result> plans_;
};

} // namespace einhyrningsins::master
