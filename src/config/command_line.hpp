// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/option.hpp"
#include "config/settings.hpp"

#include <boost/system/result.hpp>

#include <string>
#include <vector>

namespace einhyrningsins::config {

/// What a command line asks for. `wishes` are complete for run and check; with --config but for the
/// groups: then there is one, with neither name nor command, from which those of the file begin.
struct command_line {
    request_kind kind = request_kind::run;
    settings wishes;
    std::vector<std::string> warnings; ///< to be logged: deprecated words, and the like
};

/// Reads the words after the program's name (SPEC section 3). Options end at the first word that is
/// none, or at "--"; what follows is the program and its arguments, untouched. `cpus`, at least 1,
/// is the default of --max-unacked. The error is one line that names the option.
boost::system::result<command_line, text_error>
parse_command_line(const std::vector<std::string>& words, unsigned cpus);

/// What a group is called: after -c, else after its program.
std::string group_name(const std::string& command_name, const std::string& program);

/// The lock that belongs to a control socket: beside it.
std::string default_lockfile(std::string socket_path);

/// The text of --help, made from the table of options.
std::string help_text();

} // namespace einhyrningsins::config
