// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "loop/alarm.hpp"
#include "loop/background.hpp"
#include "machine/preparation.hpp"
#include "master/group/group_context.hpp"
#include "master/group/group_part.hpp"
#include "master/group/helper_process.hpp"
#include "os/look_up.hpp"

#include <memory>
#include <optional>
#include <string>

namespace einhyrningsins::master {

class group_services;

/// Upgrades that are asked for. Before one begins the group's upgrader runs, if there is one, and
/// the user of the workers is looked up beside the loop, if the settings name one: as
/// machine::preparation decides.
class upgrade_requests : public group_part {
  public:
    upgrade_requests(const group_context& of, const group_services& services,
                     const handoff::group& from);

    /// Requests an upgrade. What is told is report_of::upgrade_prepared and then the answer to
    /// event::upgrade, or only report_of::upgrade_cancelled; neither before this returns.
    void request(const core::event::upgrade& wanted) { carry_out(machine_.request(wanted)); }
    bool has_upgrader() const { return !of_.settings.upgrader.empty(); }
    /// What an upgrade that has not begun waits for; empty: there is none.
    std::string awaited() const { return machine_.awaited(); }

    void open() override;
    /// A stop is also the end of an upgrade that has not begun; a restart is not.
    void hear(const core::event_type& event) override;
    bool hear_death(const os::reaped& child) override;
    const helper_process* process() const override { return upgrader_.get(); }
    void hand_over(handoff::group& into) const override;

  private:
    void carry_out(const machine::preparation::actions& actions);
    void perform(const machine::preparation_action::start& action);
    void perform(const machine::preparation_action::stop& action);
    void perform(const machine::preparation_action::look_up& action);
    void perform(const machine::preparation_action::withdraw&) { look_up_wanted_.reset(); }
    void perform(const machine::preparation_action::upgrade& action);
    void perform(const machine::preparation_action::tell& action) { of_.tell(action.news); }
    void perform(const machine::preparation_action::note& action);
    void set_alarm();
    os::result<void> start(unsigned run);
    void end(unsigned run, const std::string& failure);
    helper_process::owner owner_of_run(unsigned run);
    os::result<void> look_up(unsigned number);
    void finish_look_up(os::result<std::optional<os::identity>> user);

    const group_context& of_;
    const group_services& services_;
    machine::preparation machine_;
    std::shared_ptr<helper_process> upgrader_; ///< while it runs
    loop::background::job look_up_;
    std::optional<os::query::account> looked_up_; ///< by the job; nothing: it has ended
    std::optional<unsigned> look_up_wanted_; ///< the one that its answer is for; nothing: nobody
    loop::alarm alarm_;
};

} // namespace einhyrningsins::master
