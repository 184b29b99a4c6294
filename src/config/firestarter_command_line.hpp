// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/command_line.hpp"

#include <span>
#include <string>
#include <vector>

namespace einhyrningsins::config {

/// Determines the paths of firestarter's sockets.
struct firestarter_place {
    std::string directory; ///< $TMPDIR
    std::string app_name;  ///< $FIRESTARTER_APP_NAME; empty: "firestarter"
};

/// The path of the control socket of a group; the name "control" is that of the daemon.
std::string firestarter_socket(const firestarter_place& where, const std::string& group);

/// The options of `firestarter run`.
std::span<const option> firestarter_options();

/// Parses the words after the program's name, the first of which is "run" (SPEC section 5). As with
/// --config, the result has one group: the defaults for the groups of the file.
boost::system::result<command_line, text_error>
parse_firestarter_command_line(const std::vector<std::string>& words, unsigned cpus,
                               const firestarter_place& where);

/// Sets the control socket of each group that has none.
void fill_in_firestarter_sockets(settings& wishes, const firestarter_place& where);

/// The text of `firestarter run --help`.
std::string firestarter_usage();

} // namespace einhyrningsins::config
