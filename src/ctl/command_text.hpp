// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/system/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace einhyrningsins::ctl {

/// A command with its arguments; never empty.
using command_words = std::vector<std::string>;

/// Takes text apart as a user writes it: commands with ';' or a newline between them, words with
/// blanks between them; ' " and \ quote as in sh(1). What follows `config` is one word if it
/// begins with '{', so that JSON need not be quoted. Empty commands are left out. Words may contain
/// any bytes. The error says which quote is open.
boost::system::result<std::vector<command_words>, std::string>
parse_commands(std::string_view text);

} // namespace einhyrningsins::ctl
