// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "protocol/reply.hpp"

#include <optional>
#include <string>

namespace einhyrningsins::master {

/// The answer of this process as a line with its newline, in any dialect.
std::string reply_line(const protocol::reply& what, const std::optional<boost::json::value>& id,
                       protocol::dialect form);

} // namespace einhyrningsins::master
