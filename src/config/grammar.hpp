// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/option.hpp"

#include <span>
#include <string>
#include <vector>

namespace einhyrningsins::config {

/// How a command line is parsed: first options, up to the first word that is not an option or to
/// "--", then the program and its arguments, which are taken literally.
struct grammar {
    std::span<const option> options;
    /// This many of the options, from the first, may be abbreviated to an unambiguous beginning of
    /// their long name.
    std::size_t abbreviable = 0;
    /// Whether the word after an option that takes a value is always its value. Otherwise a value
    /// may begin with '-' only if it is a negative number.
    bool any_value = false;
};

/// Parses the words after the program's name. Stops after an option that requests something other
/// than to run or to check. The complaint is one line that names the option.
complaint read_words(const grammar& rules, const std::vector<std::string>& given, draft& into);

} // namespace einhyrningsins::config
