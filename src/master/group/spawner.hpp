// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/action.hpp"
#include "handoff/state.hpp"
#include "loop/alarm.hpp"
#include "master/group/group_context.hpp"
#include "master/group/newborns.hpp"
#include "master/group/preload.hpp"
#include "master/group/releases.hpp"
#include "os/reap.hpp"

#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace einhyrningsins::master {

/// Makes the workers of a group: executes the program, or, where the generation has a template
/// process (-p), asks that one. Each order is answered with an event, sooner or later.
class spawner {
  public:
    using preload_map = std::map<core::generation, std::shared_ptr<preload>>;

    /// `of` and `services` have to outlive it.
    spawner(const group_context& of, group_services& services, const handoff::group& from);
    spawner(const spawner&) = delete;
    spawner& operator=(const spawner&) = delete;

    /// Prepares for the workers of a generation, as the settings are now.
    void begin(core::generation number);
    /// Makes a worker, or says why not.
    void spawn(const core::action::spawn& what);

    /// Takes the births that are known by now and were not when they began.
    void hear_births();
    /// Whether there is one to hear of.
    bool expects_births() const;
    /// Whether a process is a template process of the group, or a child on its way to its program.
    bool has_child(core::process_id pid) const;
    /// A child that is no known worker has died.
    void notice_death(const os::reaped& dead);

    /// Forgets what no worker will be made from any more, and takes back orders that the core has
    /// changed its mind about while an object is loading.
    void tend();
    /// New workers are made from what the group is now, whatever their generation.
    void forget_releases() { releases_.forget_all(); }

    /// Whether workers of any generation that is still needed are started as another user than this
    /// process.
    bool starts_others() const { return releases_.run_as_another(); }
    /// See releases.
    listener_list old_listeners() const { return releases_.old_listeners(); }
    /// What the workers of a generation are made from; null: from what is there.
    shared_release release_of(core::generation number) const { return releases_.find(number); }
    /// As whom the workers of a generation are started; nothing: that is not known, since nothing
    /// is made from its release any more.
    std::optional<uid_t> user_of(core::generation number) const;
    const preload_map& preloads() const { return preloads_; }

    void hand_over(handoff::group& into) const;
    /// See newborns::end().
    bool end_births() { return newborns_.end(); }

  private:
    preload::owner preload_owner(core::generation number);
    standing standing_of(core::process_id pid, core::generation number) const;
    void begin_preload(core::generation number, const releases::entry& made);
    void take(birth what);
    void execute(const core::action::spawn& what);
    os::result<worker_output> open_output(core::worker_id worker, core::generation number);
    os::result<os::birth> start(const core::action::spawn& what, os::socket_pair& control);
    core::time_point birth_deadline() const;
    void adopt(os::unique_fd control, core::process_id pid, core::generation number) const;

    const group_context& of_;
    group_services& services_;
    releases releases_;
    preload_map preloads_;
    newborns newborns_;
};

} // namespace einhyrningsins::master
