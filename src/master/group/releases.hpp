// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/worker.hpp"
#include "handoff/state.hpp"
#include "master/group/group_context.hpp"
#include "master/group/release.hpp"

#include <map>

namespace einhyrningsins::master {

class group_services;

/// The release of each generation, kept as long as the generation may need one more worker: its
/// last worker is like its first.
class releases {
  public:
    /// A release that could not be made is kept as well, with the reason.
    using entry = os::result<shared_release>;

    /// Continues with those of a state, and closes the old listeners that none of them has. `of`
    /// and `services` have to outlive it.
    releases(const group_context& of, const group_services& services, const handoff::group& from);

    /// The generation begins: from now on it is made from what the group is now.
    const entry& begin(core::generation number);
    /// The release of a generation. One that could not be made is tried again, since what was
    /// missing may be there now. Valid until the next call of a function that is not const.
    const entry& of(core::generation number);
    /// The same as it is; null: there is none.
    shared_release find(core::generation number) const;
    /// Whether workers of any of these generations run as another user than this process.
    bool run_as_another() const;
    /// The listeners that the group itself has no more.
    listener_list old_listeners() const;

    /// Forgets generations that no worker will be started in any more.
    void forget_unneeded();
    void forget_all() { all_.clear(); }

    void hand_over(handoff::group& into) const;

  private:
    entry resume(const handoff::recipe& from, const listener_list& open) const;

    const group_context& of_;
    const group_services& services_;
    std::map<core::generation, entry> all_;
};

} // namespace einhyrningsins::master
