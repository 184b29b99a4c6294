// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "protocol/line_buffer.hpp"

#include <boost/json/value.hpp>
#include <boost/system/result.hpp>

#include <string>
#include <string_view>

namespace einhyrningsins::protocol {

/// Reads one document of YAML 1.1 as a value of JSON. Scalars without quotes are numbers, booleans
/// or null where Ruby takes them for that; all keys are strings. Tags, anchors and aliases are
/// refused, and so is a text that is nested deeper than 8 levels or longer than `longest` bytes.
/// The error is one short line of ASCII. Needs no more memory than is proportional to the text.
boost::system::result<boost::json::value, std::string>
parse_yaml(std::string_view text, std::size_t longest = longest_line);

/// Decodes what einhorn encodes to keep a document in one line: "%0A" and "%25", and nothing else.
std::string decode_percent(std::string_view line);

} // namespace einhyrningsins::protocol
