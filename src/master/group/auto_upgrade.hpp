// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "handoff/state.hpp"
#include "loop/alarm.hpp"
#include "master/group/group_context.hpp"
#include "master/group/group_part.hpp"
#include "master/group/path_watcher.hpp"
#include "master/group/upgrade_requests.hpp"
#include "os/path_trace.hpp"

#include <string>
#include <vector>

namespace einhyrningsins::master {

/// Notices that the program of a group has changed (SPEC 6, auto_upgrade): that its file was
/// replaced or rewritten, or that a directory or symbolic link in its path leads elsewhere. While
/// changes go on, it waits until nothing has happened for half a second.
class auto_upgrade : public group_part {
  public:
    /// `upgrades` has to outlive it.
    auto_upgrade(const group_context& of, upgrade_requests& upgrades, const handoff::group& from);

    /// Begins or ends to watch, as the settings ask for.
    void open() override;
    /// From now on the program is the one that the generation is made from, as it is now. Where
    /// there is none, it is waited for where it should be.
    void begin_generation() override;
    void hand_over(handoff::group& into) const override;

  private:
    void end();
    void arm();
    void subscribe();
    os::result<void> watch(const std::string& path, os::change wanted);
    void hear(const os::inotify::news& what);
    void wait();
    void look();

    const group_context& of_;
    upgrade_requests& upgrades_;
    bool is_on_ = false;
    handoff::followed_program followed_; ///< the version: that the workers run, or soon will
    os::path_trace trace_;
    std::vector<path_watcher::subscription> watches_;
    bool complained_ = false; ///< it was logged that something cannot be watched
    loop::alarm quiet_;       ///< nothing has happened for a while
};

} // namespace einhyrningsins::master
