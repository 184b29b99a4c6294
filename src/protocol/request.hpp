// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "protocol/dialect.hpp"

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
    int pid = 0;             ///< 0: the peer's own; in firestarter's dialect the client's
    int signal = 0;          ///< only in firestarter's dialect; 0: as the command has it
    std::string request_id;  ///< of worker:ping
    std::string user;        ///< of ehlo: who says it
    bool args_given = false; ///< also if there are none in them
    bool wants_data = true;  ///< false: `message` is enough of a reply
    dialect form = dialect::json;
};

/// What is wrong with a line, and who is to be answered how, as far as that could be read.
struct request_error {
    enum class kind_type {
        unreadable, ///< no JSON object and no YAML hash
        no_command,
        wrong_key ///< a key has a value that it cannot have
    };
    std::string message;
    std::optional<boost::json::value> id;
    kind_type kind = kind_type::unreadable;
    dialect form = dialect::json;
    std::string command; ///< empty if not even that could be read
};

/// A string as it is, a number as a command line would have it; nothing for any other value.
std::optional<std::string> word_of(const boost::json::value& value);

/// Where a request came in, see firestarter::is_request().
enum class socket_kind {
    plain,
    firestarter_main, ///< the control socket of a master that goes by the name firestarter
    firestarter_group ///< the control socket of one group
};

/// Reads one line: JSON, or else the YAML of the einhorn dialect. Unknown keys are ignored.
boost::system::result<request, request_error> parse_request(std::string_view line,
                                                            socket_kind where = socket_kind::plain);

/// Writes a request as one line with its newline, as a client sends it: JSON, and in the einhorn
/// dialect such that einhorn's own master reads it, too.
std::string to_line(const request& what);

} // namespace einhyrningsins::protocol
