// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/bind_spec.hpp"

#include <boost/system/result.hpp>

#include <string>
#include <vector>

namespace einhyrningsins::config {

/// Replaces the words "srv:HOST:PORT[,OPT...]" and "ANYTHING=srv:HOST:PORT[,OPT...]" of a command
/// by the descriptor numbers of these sockets in the workers: 3, 4, ..., assuming that they come
/// before all other listeners. The same address given twice is one socket. Returns the sockets to
/// bind. Similar words that do not match exactly are kept. The error names the word at fault.
boost::system::result<std::vector<bind_spec>, text_error>
take_server_words(std::vector<std::string>& command);

} // namespace einhyrningsins::config
