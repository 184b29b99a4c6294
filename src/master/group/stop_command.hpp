// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "master/group/group_context.hpp"
#include "master/group/group_part.hpp"
#include "master/group/helper_process.hpp"

#include <memory>

namespace einhyrningsins::master {

class group_services;

/// The program that stops the group in place of a signal (exec_stop).
class stop_command : public group_part {
  public:
    stop_command(const group_context& of, const group_services& services,
                 const handoff::group& from);

    /// Starts it. If it cannot be started or fails, event::stop_command_failed follows.
    void run();

    /// Kills it if the group was started again meanwhile: it does not matter any more.
    void tend() override;
    /// SIGKILL to the group is the end of it, too.
    void hear(const core::event_type& event) override;
    bool hear_death(const os::reaped& child) override;
    const helper_process* process() const override { return process_.get(); }
    void hand_over(handoff::group& into) const override;

  private:
    helper_process::owner owner();
    os::result<os::spawn_recipe> recipe() const;
    void fail(const os::os_error& error);
    void drop();

    const group_context& of_;
    const group_services& services_;
    std::shared_ptr<helper_process> process_; ///< while it runs
};

} // namespace einhyrningsins::master
