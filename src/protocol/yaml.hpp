// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "protocol/line_buffer.hpp"

#include <boost/json/value.hpp>
#include <boost/system/result.hpp>

#include <string>
#include <string_view>

namespace einhyrningsins::protocol {

/// Reads one document of YAML as JSON has it: hashes, lists, and scalars that Ruby takes for
/// numbers, booleans or nothing. Keys are strings. Tags, anchors and aliases are refused, and so is
/// what is nested deeper than 8 or longer than `longest`. The error is one short line of ASCII.
boost::system::result<boost::json::value, std::string>
parse_yaml(std::string_view text, std::size_t longest = longest_line);

/// Undoes einhorn's encoding of a text in one line: "%0A" and "%25" and no others.
std::string decode_percent(std::string_view line);

} // namespace einhyrningsins::protocol
