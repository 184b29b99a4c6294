// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/event.hpp"
#include "handoff/state.hpp"
#include "os/identity.hpp"
#include "os/os_error.hpp"
#include "os/reap.hpp"

#include <optional>

namespace einhyrningsins::master {

class helper_process;

/// Something that the settings of a group ask for beside its workers. A part is constructed from
/// the group's state, in which a cold start has nothing of it, and listed in group_services, which
/// makes all calls, in the loop's thread. A part does what it is asked for in its turn, or by an
/// alarm of its own; it reports to the group by group_context.
class group_part {
  public:
    group_part() = default;
    group_part(const group_part&) = delete;
    group_part& operator=(const group_part&) = delete;
    virtual ~group_part() = default;

    /// Becomes what the settings ask for. Called when the group has been constructed, and whenever
    /// its settings have changed.
    virtual void open() {}
    /// Called in each turn of the group, after its decisions have been carried out.
    virtual void tend() {}
    /// Called before the core hears `event`.
    virtual void hear(const core::event_type& event) { (void)event; }
    /// A child that is no worker was reaped. Returns whether it belonged to this part.
    virtual bool hear_death(const os::reaped& child) {
        (void)child;
        return false;
    }
    /// Called before anything is made for a generation that begins.
    virtual void begin_generation() {}
    /// Called before the worker with that index is created, which runs as `user`. If it fails, no
    /// worker is created.
    virtual os::result<void> prepare_worker(unsigned index, uid_t user) {
        (void)index, (void)user;
        return {};
    }
    /// Its program while it runs, which ends with the group; nullptr: none runs.
    virtual const helper_process* process() const { return nullptr; }
    /// Adds to the state what the constructor needs.
    virtual void hand_over(handoff::group& into) const { (void)into; }
};

} // namespace einhyrningsins::master
