// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "loop/alarm.hpp"
#include "loop/readable.hpp"
#include "master/group/group_context.hpp"
#include "master/group/group_part.hpp"
#include "master/refusal_log.hpp"
#include "os/notify.hpp"

#include <optional>
#include <string>

namespace einhyrningsins::master {

/// The socket where the workers of a group say READY=1, see sd_notify(3). It is opened when the
/// settings first ask for it, and kept: workers of older generations may know its address.
class notify_watch : public group_part {
  public:
    /// Receives at the socket of the master before. If that was lost (-1), it is opened again, at
    /// the same address. What the system refuses, here and in open(), is logged once and tried
    /// again until it works.
    notify_watch(const group_context& of, const handoff::group& from);

    void open() override;
    void hand_over(handoff::group& into) const override;

    /// For the variable NOTIFY_SOCKET; empty: the settings do not want that.
    std::string address() const;

  private:
    bool is_wanted() const;
    void try_to_open();
    os::result<void> open_and_watch();
    std::optional<core::worker_id> worker_of(const os::notify_socket::sender& sender) const;
    bool hear_ready(const os::notify_socket::sender& sender);

    const group_context& of_;
    os::notify_socket socket_;
    bool is_open_ = false;    ///< or is being tried
    bool complained_ = false; ///< it was logged that it cannot be opened
    loop::readable messages_;
    loop::alarm retry_;
    refusal_log strangers_; ///< processes that are no workers and have said READY=1
    unsigned strangers_heard_ = 0;
};

} // namespace einhyrningsins::master
