// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/system/result.hpp>

#include <string>

namespace einhyrningsins::ctl {

/// What the command line of firestarter asks for (SPEC section 5), except for `run`, which starts
/// the master.
struct firestarter_arguments {
    enum class subcommand {
        usage, ///< nothing was asked for: the usage, on standard error
        help,
        version,
        list,
        status,
        stop,
        ctrl
    };
    subcommand what = subcommand::usage;
    std::string topic; ///< of help: a subcommand; empty: all
    std::string socket_path;
    std::string group;   ///< of ctrl
    std::string command; ///< of ctrl, as on a socket: "worker:status"
    std::string word;    ///< of ctrl, as on the command line: "status"
    int signal = 0;      ///< of ctrl; 0: the usual one of the command
};

/// Reads the command line; without -d the socket is `default_socket`. The error is one line that
/// says what would be right.
boost::system::result<firestarter_arguments, std::string>
parse_firestarter_arguments(int argc, char* const* argv, std::string default_socket);

/// $TMPDIR/firestarter-control.socket, in /tmp if TMPDIR is not set or empty. The variable
/// FIRESTARTER_APP_NAME replaces the name "firestarter" in it. Not checked.
std::string default_firestarter_socket();

/// What `help` prints about a subcommand; `topic` empty: about all. Lines with their newlines.
std::string firestarter_usage(const std::string& topic);

} // namespace einhyrningsins::ctl
