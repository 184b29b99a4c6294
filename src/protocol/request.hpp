// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/personality.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <boost/system/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace einhyrningsins::protocol {

/// What identifies a request to its client, which the answers repeat: a string or a number.
/// Nothing: there is one answer, and in our own language it is a string.
using reply_id = std::optional<boost::json::value>;

/// What a client asks for, as it was written (SPEC section 8).
struct request {
    std::string command;
    std::vector<std::string> args;
    std::string group; ///< empty: all, or the one that the arguments name
    reply_id id;
    int pid = 0;             ///< 0: the peer's own; in firestarter's dialect the client's
    int signal = 0;          ///< only in firestarter's dialect; 0: as the command has it
    std::string request_id;  ///< of worker:ping
    std::string user;        ///< of ehlo: who says it
    bool args_given = false; ///< there is a list of arguments, which may be empty
    bool wants_data = true;  ///< false: `message` is enough of a reply
    config::dialect_name dialect = config::dialect_name::einhyrningsins;
};

/// What is wrong with a line, with what the answer needs, as far as it could be read.
struct request_error {
    enum class kind_type {
        unreadable, ///< neither a JSON object nor a YAML hash
        no_command, ///< the key `command` is missing
        wrong_key   ///< a key has a value that it cannot have
    };
    std::string message; ///< one line
    reply_id id;
    kind_type kind = kind_type::unreadable;
    config::dialect_name dialect = config::dialect_name::einhyrningsins;
    std::string command; ///< empty: it could not be read
};

/// A value as a word of a command line: a string as it is, a number in decimal; nothing: it is
/// neither.
std::optional<std::string> word_of(const boost::json::value& value);

/// The control socket at which a request came in.
struct socket_kind {
    /// The language of the master, see config::personality_traits.
    config::dialect_name spoken = config::dialect_name::einhyrningsins;
    bool is_of_group = false; ///< it is the control socket of one group
};

/// Reads one line without its newline: JSON in one of the languages, or else einhorn's YAML (SPEC
/// section 8). Unknown keys are ignored; the error is for the client.
boost::system::result<request, request_error> parse_request(std::string_view line,
                                                            const socket_kind& where = {});

/// Reads a request in our own language or einhorn's, which have the same keys.
boost::system::result<request, request_error> read_request(const boost::json::object& from,
                                                           config::dialect_name dialect);

/// A request as an object in our own language and in einhorn's. The master of einhorn itself can
/// read it as well.
boost::json::object to_json(const request& what);

/// A request in its language as one line with its newline.
std::string to_line(const request& what);

} // namespace einhyrningsins::protocol
