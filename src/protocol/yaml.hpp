// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/json/value.hpp>
#include <boost/system/result.hpp>

#include <string>
#include <string_view>

namespace einhyrningsins::protocol {

/// Reads one document of YAML as JSON has it: hashes, lists, and scalars that Ruby takes for
/// numbers, booleans or nothing. Keys are strings. Tags, anchors and aliases are refused, and so is
/// what is nested deeper than 8 or longer than a request. The error is one short line of ASCII.
boost::system::result<boost::json::value, std::string> parse_yaml(std::string_view text);

} // namespace einhyrningsins::protocol
