// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/json/value.hpp>

#include <string>

namespace einhyrningsins::protocol {

/// The `data` of a `status` reply (SPEC section 8) as a table for people, without a newline at its
/// end. Takes any JSON: what is missing is shown as "-",
/// and a group, worker or listener that is none has nothing else.
std::string status_table(const boost::json::value& data, bool coloured);

} // namespace einhyrningsins::protocol
