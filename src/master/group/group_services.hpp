// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/group.hpp"
#include "handoff/state.hpp"
#include "master/group/auto_upgrade.hpp"
#include "master/group/demand_watch.hpp"
#include "master/group/group_context.hpp"
#include "master/group/helper_process.hpp"
#include "master/group/live_check.hpp"
#include "master/group/notify_watch.hpp"
#include "master/group/upgrader.hpp"
#include "os/identity.hpp"
#include "os/reap.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::master {

/// What the settings of a group ask for beside its workers: who watches what for it, and which
/// other programs run for it.
class group_services {
  public:
    /// `of` has to outlive it.
    explicit group_services(const group_context& of) : of_(of) {}
    group_services(const group_services&) = delete;
    group_services& operator=(const group_services&) = delete;

    /// Makes it what the settings ask for now.
    void open();
    void hand_over(handoff::group& into) const;
    /// To be followed by open().
    void take_over(const handoff::group& from);

    /// To be called in each turn in which something happened to the group.
    void tend();
    /// To be called before the group hears `cause`: a stop is also the end of what runs for it.
    void end(const core::event_type& cause);

    /// An upgrade is asked for: that of event::upgrade, but after the upgrader, if there is one.
    void request_upgrade(core::upgrade_mode mode);
    bool has_upgrader() const { return upgrader_ != nullptr; }
    /// Those of these programs that run now.
    std::vector<const helper_process*> helpers() const;
    void run_stop_command();
    /// A child that is no known worker has ended; returns whether it was one of these programs.
    bool hear(const os::reaped& dead);

    /// The program of the generation that begins is watched from now on.
    void follow_program();

    /// What is to be done before a worker with that index is started.
    os::result<void> prepare_worker(unsigned index, const std::optional<os::identity>& who);
    /// Where workers are to say READY=1; empty: the settings do not want that.
    std::string notify_address() const;
    /// For os::spawn_recipe::indexed_entry; empty: there is none.
    std::string indexed_entry() const;

  private:
    void open_notify_socket();
    void take_notifications(const std::vector<pid_t>& senders);
    void open_upgrader();
    upgrader::owner upgrader_owner();
    bool can_upgrade() const;
    helper_process::owner stop_command_owner();
    void tend_stop_command();
    void open_live_check();
    void hear_touch(unsigned index);
    void open_auto_upgrade();
    auto_upgrade::owner auto_upgrade_owner();
    void tend_demand();

    const group_context& of_;
    std::unique_ptr<notify_watch> notify_;
    std::shared_ptr<upgrader> upgrader_;
    std::shared_ptr<helper_process> stop_command_; ///< while it runs
    std::unique_ptr<live_check> live_check_;
    std::unique_ptr<auto_upgrade> auto_upgrade_;
    std::unique_ptr<demand_watch> demand_; ///< while the first client is awaited
};

} // namespace einhyrningsins::master
