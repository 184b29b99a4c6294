// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "loop/readable.hpp"
#include "master/group/group_context.hpp"
#include "master/group/group_part.hpp"
#include "os/pipe.hpp"

#include <optional>

namespace einhyrningsins::master {

/// Waits for the first client of a group that is started by it. Nothing is accepted or received,
/// and the sockets stay as they are: they are watched by a set of its own.
class demand_watch : public group_part {
  public:
    explicit demand_watch(const group_context& of);

    /// Watches the listeners anew: they may be others now.
    void open() override { end(); }
    /// Watches the listeners while the group waits for its first client.
    void tend() override;

  private:
    os::result<void> begin();
    void end();
    void on_client();

    const group_context& of_;
    std::optional<os::readable_set> set_; ///< while it watches
    loop::readable clients_;
};

} // namespace einhyrningsins::master
