// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "model/identity.hpp"

#include <boost/describe/class.hpp>

#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::model {

/// What the workers of one generation are started from, except their working directory: that is an
/// open descriptor, see os::spawn_recipe and handoff::recipe.
struct recipe {
    std::string program;                ///< a path, as os::find_program returned it
    std::vector<std::string> arguments; ///< argv, from argv[0] on
    /// "NAME=value". The values of "LISTEN_PID=" and "EINHORN_CHILD_INDEX=" are filled in for each
    /// worker.
    std::vector<std::string> environment;
    std::optional<int> nice;
    bool die_with_parent = false; ///< SIGUSR2 when the master dies, see PR_SET_PDEATHSIG
    std::vector<int> descriptors; ///< the listeners, borrowed; they become 3, 4, ... in this order
    std::optional<model::identity> identity; ///< nothing: that of the master
    /// An entry "NAME=TEXT" of `environment` to which the index of the worker is appended. Empty:
    /// none.
    std::string indexed_entry;
};
BOOST_DESCRIBE_STRUCT(recipe, (),
                      (program, arguments, environment, nice, die_with_parent, descriptors,
                       identity, indexed_entry))

} // namespace einhyrningsins::model
