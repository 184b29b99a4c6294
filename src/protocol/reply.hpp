// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "protocol/dialect.hpp"

#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace einhyrningsins::protocol {

/// An answer to a request.
struct reply {
    std::string message; ///< for people; may have several lines
    bool ok = true;
    std::optional<boost::json::value> data; ///< for programs
    bool wait = false;                      ///< more will follow
};

/// The reply to what is not done, and why it is not.
reply refusal(std::string why);

/// The reply as a line with its newline (SPEC section 8): in our dialect an object for a request
/// with an id, else one string; in einhorn's an object, which has neither `ok` nor `data`.
std::string to_line(const reply& what, const std::optional<boost::json::value>& id,
                    dialect form = dialect::json);

/// Reads a line of the master, as a client gets it. Nothing if it is no reply. A
/// plain string is a reply that went well.
std::optional<reply> parse_reply(std::string_view line);

} // namespace einhyrningsins::protocol
