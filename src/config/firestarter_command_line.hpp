// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/command_line.hpp"

#include <span>
#include <string>
#include <vector>

namespace einhyrningsins::config {

/// Where firestarter has its sockets.
struct firestarter_place {
    std::string directory; ///< $TMPDIR
    std::string app_name;  ///< $FIRESTARTER_APP_NAME; empty: firestarter
};

/// The control socket of a group; "control" is the daemon's own.
std::string firestarter_socket(const firestarter_place& where, const std::string& group);

/// The options of `firestarter run`.
std::span<const option> firestarter_options();

/// Reads the words after the program's name, the first of which is "run" (SPEC section 5). The one
/// group is what those of the file begin with, as with --config.
boost::system::result<command_line, text_error>
parse_firestarter_command_line(const std::vector<std::string>& words, unsigned cpus,
                               const firestarter_place& where);

/// Gives every group a control socket that has none.
void fill_in_firestarter_sockets(settings& wishes, const firestarter_place& where);

/// What `firestarter run --help` prints.
std::string firestarter_usage();

} // namespace einhyrningsins::config
