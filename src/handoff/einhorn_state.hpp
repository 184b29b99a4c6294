// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "handoff/state.hpp"

#include <boost/system/result.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace einhyrningsins::handoff {

/// What einhorn's state does not contain.
struct einhorn_surroundings {
    std::chrono::system_clock::time_point wall_clock; ///< the clock of einhorn's times
    core::time_point now;                             ///< the same moment
    unsigned cpus = 1;                                ///< the default of --max-unacked
    std::string temporary_directory;                  ///< for the default paths
    std::string working_directory;
    std::vector<std::string> command; ///< used if the state has none
};

/// The state that einhorn has handed over.
struct einhorn_state {
    state all;
    /// One line for each value that has no meaning here and was replaced by its default. As the
    /// program that wrote the state is gone when it is read, this is no reason to give up.
    std::vector<std::string> remarks;
};

/// Reads the YAML that a running einhorn in Ruby passes to the program of its --reexec-as (SPEC
/// section 4, "Moving a live service over"): symbol keys, sets, and the anchors that Ruby writes.
/// It contains only the descriptors of listeners, clients and the control socket; the caller has to
/// ask the system for everything else about them. The only errors, one line each, are that it is
/// not a state or that its end is missing: part of a state is worse than none, since a master that
/// does not know its sockets would replace working workers by ones that cannot serve.
boost::system::result<einhorn_state, std::string> parse_einhorn(std::string_view text,
                                                                const einhorn_surroundings& where);

} // namespace einhyrningsins::handoff
