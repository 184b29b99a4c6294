// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/command_line.hpp"

#include <boost/system/result.hpp>

#include <string>
#include <vector>

namespace einhyrningsins::master {

/// Why there is nothing to go by: one line for each thing that is wrong, and what the program's
/// exit code says about them.
struct misconfiguration {
    std::vector<std::string> complaints;
    int exit_code = 2;
};

using configuration = boost::system::result<config::command_line, misconfiguration>;

/// What the words of a command line ask for, with the groups of the file that they name (--config).
/// Called again with the same words it reads the file again.
configuration configure(config::personality who, const std::vector<std::string>& words,
                        const std::vector<std::string>& environment);

/// Replaces the group of `line` by those of its file: what every grammar with a file ends with.
configuration with_groups_of_file(config::command_line line,
                                  const std::vector<std::string>& environment);

} // namespace einhyrningsins::master
