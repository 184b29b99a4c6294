// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/bind_spec.hpp"

#include <boost/system/result.hpp>

#include <string>
#include <vector>

namespace einhyrningsins::config {

/// Replaces the words "srv:HOST:PORT[,OPT...]" and "ANYTHING=srv:HOST:PORT[,OPT...]" of a command
/// by the numbers that workers will know the sockets by, if these are their first: 3, 4, ... The
/// same address twice is one socket. Returns what is to be bound. Words that only look similar
/// stay. The error names the word at fault.
boost::system::result<std::vector<bind_spec>, text_error>
take_server_words(std::vector<std::string>& command);

} // namespace einhyrningsins::config
