// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/system/result.hpp>

#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::ctl {

/// What the command line asks for.
struct arguments {
    bool help = false;
    bool version = false;
    bool json = false;   ///< print replies as they come
    double timeout = 10; ///< seconds; 0: for ever
    std::string socket_path = "/tmp/einhorn.sock";
    std::string group;                 ///< empty: all groups
    std::optional<std::string> script; ///< commands with semicolons between them
    std::vector<std::string> command;  ///< one command with its arguments; may be empty
};

/// Reads the command line (SPEC section 8). Options end at the first word that is none, so that
/// arguments of a command may begin with '-'. The error is one line that says what would be right.
boost::system::result<arguments, std::string> parse_arguments(int argc, char* const* argv);

/// What is wrong with `word`, of which getopt_long(3) has returned '?' or ':' as `id`; `help` is
/// the option that lists all.
std::string complain_about_option(const char* word, int id, const char* help);

/// What is wrong with the path of a socket, in one line; nothing: it will do.
std::optional<std::string> check_socket_path(const std::string& path);

/// What --help prints.
std::string usage();

} // namespace einhyrningsins::ctl
