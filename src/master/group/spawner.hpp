// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/action.hpp"
#include "handoff/state.hpp"
#include "master/group/group_context.hpp"
#include "master/group/preload.hpp"
#include "master/group/worker_plans.hpp"
#include "os/reap.hpp"

#include <map>
#include <memory>
#include <optional>

namespace einhyrningsins::master {

/// Makes the workers of a group: executes the program, or, where the generation has a template
/// process (-p), asks that one. Each order is answered with an event, sooner or later.
class spawner {
  public:
    using preload_map = std::map<core::generation, std::shared_ptr<preload>>;

    /// Both have to outlive it.
    spawner(const group_context& of, group_services& services);
    spawner(const spawner&) = delete;
    spawner& operator=(const spawner&) = delete;

    /// Prepares for the workers of a generation, as the settings are now.
    void begin(core::generation number);
    /// Makes a worker, or says why not.
    void spawn(const core::action::spawn& what);

    /// Takes the births that template processes have told.
    void hear_births();
    /// A child that is no known worker has died.
    void notice_death(const os::reaped& dead);

    /// Forgets what no worker will be made from any more, and takes back orders that the core has
    /// changed its mind about while an object is loading.
    void tend();
    /// New workers are made from what the group is now, whatever their generation.
    void forget_plans() { plans_.forget_all(); }

    /// Those of listeners that workers may still be given.
    std::vector<int> descriptors_in_use() const { return plans_.descriptors(); }
    /// Those of the listeners of a generation; nothing: its workers are made from what is there.
    std::optional<std::vector<int>> descriptors_of(core::generation number) const {
        return plans_.descriptors_of(number);
    }
    const preload_map& preloads() const { return preloads_; }

    void hand_over(handoff::group& into) const;
    void take_over(const handoff::group& from);

  private:
    preload::owner preload_owner();
    void begin_preload(core::generation number);
    void take_over(const handoff::preload& from);
    void take(birth what);
    void execute(const core::action::spawn& what);
    core::event_type start(const core::action::spawn& what, os::socket_pair& control);
    void adopt(os::unique_fd control, core::process_id pid, core::generation number) const;

    const group_context& of_;
    group_services& services_;
    worker_plans plans_;
    preload_map preloads_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true); ///< for handlers that outlive this
};

} // namespace einhyrningsins::master
