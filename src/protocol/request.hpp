// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/json/value.hpp>
#include <boost/system/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace einhyrningsins::protocol {

/// What a client asks for, as it was written (SPEC section 8).
struct request {
    std::string command;
    std::vector<std::string> args;
    std::string group; ///< empty: all, or as the arguments say
    /// A string or a number, which the replies repeat; nothing: a reply is one JSON string.
    std::optional<boost::json::value> id;
    int pid = 0;            ///< 0: the peer's own
    std::string request_id; ///< of worker:ping
};

/// What is wrong with a line, and the id to answer with if that much could be read.
struct request_error {
    std::string message;
    std::optional<boost::json::value> id;
};

/// A string as it is, a number as a command line would have it; nothing for any other value.
std::optional<std::string> word_of(const boost::json::value& value);

/// Reads one line: the JSON of the einhyrningsins dialect. Unknown keys are ignored.
boost::system::result<request, request_error> parse_request(std::string_view line);

/// Writes a request as one line with its newline, as a client sends it.
std::string to_line(const request& what);

} // namespace einhyrningsins::protocol
