// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/system/result.hpp>

#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::ctl {

/// What the command line of einhyrningsinsctl asks for (SPEC section 8, einhyrningsinsctl(1)).
struct arguments {
    bool help = false;
    bool version = false;
    bool json = false;   ///< print replies as they come
    double timeout = 10; ///< seconds to wait for the first answer to a command; 0: for ever
    std::string socket_path = "/tmp/einhorn.sock";
    std::string group;                 ///< empty: all groups
    std::optional<std::string> script; ///< -e: see parse_commands(); nothing: not given
    std::vector<std::string> command;  ///< one command with its arguments; empty: none
};

/// Reads the command line (SPEC section 8). Options end at the first word that is none, so that
/// arguments of a command may begin with '-'. The error is one line that says what would be right.
boost::system::result<arguments, std::string> parse_arguments(int argc, char* const* argv);

/// What is wrong with the option `word`, for which getopt_long(3) has returned `id`, in one line:
/// ':' if a value is missing, '?' for anything else. `help` is the option that lists all. Reads
/// optopt, so that it has to be called before the next getopt_long().
std::string complain_about_option(const char* word, int id, const char* help);

/// Why no master can listen at that path, in one line that quotes it; nothing: one can. Does not
/// look at the file system.
std::optional<std::string> check_socket_path(const std::string& path);

/// What --help prints: lines with their newlines.
std::string usage();

} // namespace einhyrningsins::ctl
