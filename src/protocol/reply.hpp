// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace einhyrningsins::protocol {

/// An answer to a request (SPEC section 8).
struct reply {
    std::string message;                    ///< for people; may have several lines
    bool ok = true;                         ///< what was asked for is done, or has begun
    std::optional<boost::json::value> data; ///< the same for programs; nothing: the message is all
    bool wait = false;                      ///< another answer to the same request follows
};

/// The answer to a request that is not carried out; `why` is the message.
reply refusal(std::string why);

/// An answer as one line with its newline in our own language: an object for a request with an id,
/// else one string.
std::string to_line(const reply& what, const std::optional<boost::json::value>& id);

/// Reads an answer in our own language, a line without its newline; nothing: it is none. A plain
/// string is an answer without data that is `ok`.
std::optional<reply> parse_reply(std::string_view line);

} // namespace einhyrningsins::protocol
