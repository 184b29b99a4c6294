// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/command_line.hpp"
#include "config/option.hpp"

#include <boost/system/result.hpp>

#include <span>
#include <string>
#include <vector>

namespace einhyrningsins::config {

/// The options of the program under the name `einhorn` (SPEC section 4), in the order of its -h.
/// einhorn's own come first; `einhorn_own_options` of them.
std::span<const option> einhorn_options();
extern const std::size_t einhorn_own_options;

/// Reads the words after the name `einhorn`, as einhorn 0.8 does. `cpus` as in
/// parse_command_line(); the sockets and files of the master are in `temporary_directory` unless
/// the user wants them elsewhere. Without a program it is a call for its usage.
boost::system::result<command_line, text_error>
parse_einhorn_command_line(const std::vector<std::string>& words, unsigned cpus,
                           std::string temporary_directory);

/// The default paths of socket, lock and pid file, where the user wants them nowhere else.
void fill_in_einhorn_paths(master_settings& master, std::string temporary_directory);

/// What is printed for -h, and in short where a program is missing.
std::string einhorn_usage(bool in_short);

} // namespace einhyrningsins::config
