// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/system/result.hpp>

#include <optional>
#include <string>

namespace einhyrningsins::ctl {

/// What the command line of einhornsh asks for (SPEC section 4).
struct einhorn_arguments {
    bool help = false;
    std::string socket_path;
    std::optional<std::string> script; ///< -e: see parse_commands(); nothing: not given
};

/// Reads the command line as einhorn's own shell does: options may follow the name of the master,
/// and -c takes precedence over that name. Without -d the socket is in `temporary_directory`. The
/// error is one line that says what would be right.
boost::system::result<einhorn_arguments, std::string>
parse_einhorn_arguments(int argc, char* const* argv, std::string temporary_directory);

/// What -h prints: lines with their newlines.
std::string einhorn_shell_usage();

} // namespace einhyrningsins::ctl
