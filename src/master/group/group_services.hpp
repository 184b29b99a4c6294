// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/group.hpp"
#include "handoff/state.hpp"
#include "master/group/group_context.hpp"
#include "master/group/group_part.hpp"
#include "master/group/live_check.hpp"
#include "master/group/notify_watch.hpp"
#include "master/group/stop_command.hpp"
#include "master/group/upgrade_requests.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace einhyrningsins::master {

/// The parts of a group, see group_part: what its settings ask for beside its workers. A new part
/// is a file, and a line in the constructor.
class group_services {
  public:
    /// `of` has to outlive it. To be followed by open().
    group_services(const group_context& of, const handoff::group& from);
    group_services(const group_services&) = delete;
    group_services& operator=(const group_services&) = delete;

    // These call the function of that name of each part.
    void open();
    void tend();
    void hear(const core::event_type& event);
    void begin_generation();
    void hand_over(handoff::group& into) const;
    /// Stops at the first part that fails.
    os::result<void> prepare_worker(unsigned index, uid_t user);
    /// A child that is no known worker was reaped. Returns whether it belonged to a part.
    bool hear_death(const os::reaped& child);
    /// The programs of the parts that run now.
    std::vector<const helper_process*> helpers() const;

    /// See upgrade_requests.
    void request_upgrade(const core::event::upgrade& wanted) { upgrades_.request(wanted); }
    bool has_upgrader() const { return upgrades_.has_upgrader(); }
    std::string awaited_by_upgrade() const { return upgrades_.awaited(); }
    void run_stop_command() { stop_command_.run(); }
    /// See live_check.
    std::vector<live_check::sign> signs_of_life(core::time_point now) {
        return live_check_.signs(now);
    }
    /// Where workers are to say READY=1; empty: the settings do not want that.
    std::string notify_address() const { return notify_.address(); }
    /// For os::spawn_recipe::indexed_entry; empty: there is none.
    std::string indexed_entry() const { return live_check_.entry(); }

  private:
    /// Makes a part and lists it.
    template <class Part, class... Arguments>
    Part& add(Arguments&&... arguments) {
        auto made = std::make_unique<Part>(std::forward<Arguments>(arguments)...);
        Part& part = *made;
        parts_.push_back(std::move(made));
        return part;
    }

    std::vector<std::unique_ptr<group_part>> parts_; ///< in the order of their turns
    // Those of them that are asked for something.
    notify_watch& notify_;
    upgrade_requests& upgrades_;
    stop_command& stop_command_;
    live_check& live_check_;
};

} // namespace einhyrningsins::master
