// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/option.hpp"
#include "config/settings.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace einhyrningsins::config {

/// What a key of a group takes.
enum class key_type {
    text,
    scalar,  ///< a number, or a string where a command line would take one
    name,    ///< of a user or group: a string, or a whole number
    flag,    ///< true or false
    list,    ///< an array of strings, maybe of numbers: each is taken by itself
    command, ///< an array of words, or a string to be split as a shell does
};

/// What the manual calls the type: "string", "number or string", ...
const char* name_of(key_type type);

/// One key of SPEC section 6 that is no option, or that means something else in a file than on the
/// command line. All other options about workers (option::of_workers) are keys as they are.
struct toml_key {
    const char* name;
    key_type type;
    const char* fallback; ///< the default, as the manual has it
    const char* help;     ///< one line
    /// Takes a value, a word, or an item of a list; a flag is "true" or "false". The keys of a
    /// group are taken in the order of the table, after the options.
    complaint (*take)(group_settings& into, const std::string& value);
};

/// All of them.
std::span<const toml_key> toml_keys();

/// The options that are keys as they are, in their order.
std::vector<const option*> options_in_files();

/// What a file calls an option: its long name with '_' for '-'.
std::string key_of(const option& known);

/// What the value of an option has to be in a file.
key_type type_of(const option& known);

/// The names of all keys that there are.
std::vector<std::string> key_names();

/// Keys that say the same: a group may have but one of each row. Rows end with null.
using rival_keys = std::span<const char* const>;
std::vector<rival_keys> rivals();

} // namespace einhyrningsins::config
