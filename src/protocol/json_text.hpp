// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/json/value.hpp>

#include <string>
#include <string_view>

/// Values as text in one line, without a newline, that is valid whatever is in them: bytes that are
/// no UTF-8, which names and arguments may have, become U+FFFD. Real numbers are plain decimals
/// from 1e-6 to 1e15.
namespace einhyrningsins::protocol {

/// A value as JSON.
std::string json_text(const boost::json::value& value);
/// A string as JSON, in its quotes.
std::string json_string(std::string_view text);

/// JSON of somebody else as a terminal may show it: the same value, without characters that a
/// terminal obeys.
std::string printable_json(std::string_view text);

/// A value as JSON that is YAML 1.1 as well. Has neither '%' nor '+', which einhorn's clients
/// decode before they parse.
std::string yaml_text(const boost::json::value& value);
/// A string in the same form, in its quotes.
std::string yaml_string(std::string_view text);

} // namespace einhyrningsins::protocol
