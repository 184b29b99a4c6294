// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "handoff/state.hpp"

#include <boost/system/result.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace einhyrningsins::handoff {

/// What einhorn's state leaves open.
struct einhorn_surroundings {
    std::chrono::system_clock::time_point wall_clock; ///< einhorn's times are of this clock
    core::time_point now;                             ///< the same moment
    unsigned cpus = 1;                                ///< the default of --max-unacked
    std::string temporary_directory;                  ///< where default paths are
    std::string working_directory;
};

/// Reads the YAML that a running einhorn of Ruby hands to the program of its --reexec-as
/// (SPEC section 4, "Moving a live service over"): symbol keys, sets, and the anchors that Ruby
/// writes. Of listeners, clients and the control socket it has just the descriptors: what else is
/// to be known of them is for the caller to ask the system. The error is one line that names the
/// key at fault.
boost::system::result<state, std::string> parse_einhorn(std::string_view text,
                                                        const einhorn_surroundings& where);

} // namespace einhyrningsins::handoff
