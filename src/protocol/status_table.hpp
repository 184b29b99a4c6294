// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/json/value.hpp>

#include <string>

namespace einhyrningsins::protocol {

/// The `data` of the answer to `status` (SPEC section 8) as a table for people, without a newline
/// at the end; `coloured`: with escape sequences of a terminal. Takes any JSON: what is missing or
/// has the wrong type is shown as "-".
std::string status_table(const boost::json::value& data, bool coloured);

} // namespace einhyrningsins::protocol
