// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/report.hpp"
#include "master/control/control_connection.hpp"
#include "master/group/group_runner.hpp"
#include "protocol/firestarter.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace einhyrningsins::master {

/// Answers a client that has given one of firestarter's commands start, restart, inc and upgrade
/// when the group has changed. The group that it observes owns it.
class firestarter_watch {
  public:
    /// `from`: who waits for what; for a new one see first_watch(). Null if there is no such
    /// command.
    static std::shared_ptr<firestarter_watch> begin(std::shared_ptr<control_connection> client,
                                                    handoff::group_watch from, group_runner& group);
    /// What another master needs to go on with it; nothing if the answer was given.
    std::optional<handoff::group_watch> hand_over() const;

    firestarter_watch(std::shared_ptr<control_connection> client, handoff::group_watch from,
                      protocol::verb what, group_runner& group);
    /// Without an answer so far the group has been removed, which is answered.
    ~firestarter_watch();
    firestarter_watch(const firestarter_watch&) = delete;
    firestarter_watch& operator=(const firestarter_watch&) = delete;

  private:
    using process_list = protocol::firestarter::process_list;

    /// Returns whether there is more to hear.
    bool hear(const core::report& what);
    bool hear_upgrade(const core::report& what);
    bool on_started(const core::worker& fresh);
    bool on_stopped();
    bool is_complete() const;
    process_list fresh() const;
    void answer(protocol::reply what);
    bool fail(std::string why);

    std::shared_ptr<control_connection> client_;
    std::shared_ptr<void> hold_;
    handoff::group_watch state_;
    protocol::verb what_; ///< by the name in the state
    group_runner& group_;
    std::uint64_t earlier_; ///< the number of upgrades that were asked for before
    bool answered_ = false;
};

/// The state of a watch that begins. To be called before the command is carried out.
handoff::group_watch first_watch(const protocol::firestarter::command& what,
                                 const group_runner& group);

} // namespace einhyrningsins::master
