// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/option.hpp"
#include "config/settings.hpp"

#include <boost/system/result.hpp>

#include <string>
#include <vector>

namespace einhyrningsins::config {

/// A parsed command line. For run and check, `wishes` is complete, except that with --config it has
/// a single group without a name or command: the defaults for the groups of the file.
struct command_line {
    request_kind kind = request_kind::run;
    settings wishes;
    std::vector<std::string> warnings; ///< to be logged, e.g. about deprecated words
};

/// Parses the words after the program's name (SPEC section 3). Options end at the first word that
/// is not an option, or at "--"; the remaining words are the program and its arguments. `cpus`, at
/// least 1, is the default of --max-unacked. The error is one line that names the option.
boost::system::result<command_line, text_error>
parse_command_line(const std::vector<std::string>& words, unsigned cpus);

/// The name of the group on a command line: that of -c, or the base name of the program.
std::string group_name(const std::string& command_name, const std::string& program);

/// The default lock file of a control socket: next to it, with ".lock" instead of ".sock".
std::string default_lockfile(std::string socket_path);

/// The text of --help, generated from options().
std::string help_text();

} // namespace einhyrningsins::config
