// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/json/value.hpp>

#include <string>
#include <string_view>

namespace einhyrningsins::protocol {

/// `text` in double quotes, as JSON and YAML 1.1 both read it, in one line. Has neither '%' nor
/// '+', which einhorn's clients decode before they parse. What is no UTF-8 becomes U+FFFD.
std::string yaml_string(std::string_view text);

/// The same for any value: JSON that is YAML, in one line.
std::string yaml_text(const boost::json::value& value);

} // namespace einhyrningsins::protocol
