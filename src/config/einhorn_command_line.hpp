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
/// The first `einhorn_own_options` of them are those of the original einhorn.
std::span<const option> einhorn_options();
extern const std::size_t einhorn_own_options;

/// Parses the words after the name `einhorn` as einhorn 0.8 does. `cpus`: see parse_command_line().
/// `temporary_directory` is where the default paths are. Without a program, the result is a request
/// for the usage.
boost::system::result<command_line, text_error>
parse_einhorn_command_line(const std::vector<std::string>& words, unsigned cpus,
                           std::string temporary_directory);

/// Sets the default paths of socket, lock and pid file where the user has not given any.
void fill_in_einhorn_paths(master_settings& master, std::string temporary_directory);

/// The text of -h, or its short form, which is printed if the program is missing.
std::string einhorn_usage(bool in_short);

} // namespace einhyrningsins::config
