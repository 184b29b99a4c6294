// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/report.hpp"
#include "master/control/control_connection.hpp"
#include "master/group/group_runner.hpp"
#include "protocol/firestarter.hpp"

#include <memory>
#include <optional>
#include <string>

namespace einhyrningsins::master {

/// firestarter answers when a group has changed: this waits for that, for a client that has given
/// one of the commands start, restart, inc and upgrade. Lives for as long as somebody has something
/// to tell.
class firestarter_watch : public std::enable_shared_from_this<firestarter_watch> {
  public:
    /// To be called before the group hears of the command. `usual_signal`: what the group's stop
    /// signal is to be again afterwards; 0: it was not changed.
    static std::shared_ptr<firestarter_watch> begin(std::shared_ptr<control_connection> client,
                                                    const protocol::firestarter::command& what,
                                                    group_runner& group, int usual_signal = 0);
    /// Goes on with one of another master.
    static std::shared_ptr<firestarter_watch> take_over(const handoff::group_watch& from,
                                                        std::shared_ptr<control_connection> client,
                                                        group_runner& group);
    /// What another master needs to go on with it; nothing if the answer was given.
    std::optional<handoff::group_watch> hand_over() const;

    firestarter_watch(std::shared_ptr<control_connection> client,
                      const protocol::firestarter::command& what, group_runner& group);
    /// If there was no answer yet the group has gone, and that is the answer.
    ~firestarter_watch();
    firestarter_watch(const firestarter_watch&) = delete;
    firestarter_watch& operator=(const firestarter_watch&) = delete;

  private:
    using process_list = protocol::firestarter::process_list;

    void observe();
    /// Returns whether there is more to hear.
    bool hear(const core::report& what);
    bool on_started(const core::worker& fresh);
    bool on_stopped();
    bool is_complete() const;
    process_list fresh() const;
    void answer(protocol::reply what);
    bool fail(std::string why);

    std::shared_ptr<control_connection> client_;
    std::shared_ptr<void> hold_;
    protocol::firestarter::command what_;
    group_runner& group_;
    process_list before_; ///< the processes that there were
    bool again_ = false;  ///< of a restart: the old ones have gone
    int usual_signal_ = 0;
    bool answered_ = false;
};

/// Changes what tells the group's workers to go, and returns what it was.
int change_stop_signal(group_runner& group, int signal);

} // namespace einhyrningsins::master
