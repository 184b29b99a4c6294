// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/option.hpp"

#include <span>
#include <string>
#include <vector>

namespace einhyrningsins::config {

/// How the words of a command line are read: options first, which end at the first word that is
/// none, or at "--", and then the program with its arguments, untouched.
struct grammar {
    std::span<const option> options;
    /// So many of the options, from the first, may be called by a beginning of their long name that
    /// no other of these has.
    std::size_t abbreviable = 0;
    /// Whether the word after an option that takes a value is its value whatever it looks like;
    /// else a value may only begin with '-' if it is a negative number.
    bool any_value = false;
};

/// Reads the words after the program's name. Nothing is looked at after an option that asks for
/// something else than to run or to check. The complaint is one line that names the option.
complaint read_words(const grammar& rules, const std::vector<std::string>& given, draft& into);

} // namespace einhyrningsins::config
