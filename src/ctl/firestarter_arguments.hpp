// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/system/result.hpp>

#include <string>

namespace einhyrningsins::ctl {

/// What the command line of firestarter asks for, but for `run`, which is the master's.
struct firestarter_arguments {
    enum class subcommand { usage, help, version, list, status, stop, ctrl };
    subcommand what = subcommand::usage;
    std::string topic; ///< of help: a subcommand, or empty
    std::string socket_path;
    std::string group;   ///< of ctrl
    std::string command; ///< of ctrl, as on a socket: "worker:status"
    std::string word;    ///< of ctrl, as it was given: "status"
    int signal = 0;      ///< of ctrl; 0: as the command has it
};

/// Reads it (SPEC section 5). The error is one line that says what would be right.
boost::system::result<firestarter_arguments, std::string>
parse_firestarter_arguments(int argc, char* const* argv, std::string default_socket);

/// $TMPDIR/firestarter-control.socket, or what FIRESTARTER_APP_NAME makes of it.
std::string default_firestarter_socket();

/// What `help` prints about everything, or about one subcommand.
std::string firestarter_usage(const std::string& topic);

} // namespace einhyrningsins::ctl
