// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "core/event.hpp"
#include "core/group.hpp"
#include "core/report.hpp"
#include "master/group/listeners.hpp"
#include "master/group/surroundings.hpp"
#include "master/logging.hpp"
#include "os/identity.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <optional>
#include <string>

namespace einhyrningsins::master {

/// What the parts of a group's shell see of the group, and whom they tell. All of it is the
/// group_runner's, and is there as long as the parts are.
struct group_context {
    boost::asio::io_context& loop;
    const config::group_settings& settings; ///< as they are now
    const surroundings& around;
    const listener_list& listeners; ///< of new generations
    const core::group& group;
    /// Whom new workers run as; nothing: as the master.
    const std::optional<os::identity>& identity;
    /// Sets it.
    std::function<void(std::optional<os::identity>)> change_identity;
    std::function<void(const core::event_type&)> notice; ///< the door of the group
    std::function<void(const core::report&)> tell; ///< the log, and whoever observes the group
    std::function<void()> hear_births;             ///< of workers that a pid may belong to
    std::function<void()> wake; ///< has the group look in the next turn of the loop

    void log(core::severity level, const std::string& text) const {
        master::log(level, settings.name, text);
    }
};

} // namespace einhyrningsins::master
