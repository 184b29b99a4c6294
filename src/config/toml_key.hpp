// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/option.hpp"
#include "config/settings.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace einhyrningsins::config {

/// The type of a key's value.
enum class key_type {
    text,
    scalar,  ///< a number, or a string as on a command line
    name,    ///< a user or group: a string or an integer
    flag,    ///< true or false
    list,    ///< an array of strings, which are stored one by one
    places,  ///< the same, where integers are ports
    command, ///< an array of words, or a string that is split as by a shell
};

/// The name of the type in the manual: "string", "number or string", ...
const char* name_of(key_type type);

/// A key of SPEC section 6 that is not an option, or has another meaning in a file than on the
/// command line. All other options about workers (option::of_workers) are keys without such a
/// record.
struct toml_key {
    const char* name;
    key_type type;
    const char* fallback; ///< the default in the words of the manual
    const char* help;     ///< one line
    /// Stores a value, a word of a command, or an item of a list; a flag is "true" or "false". Keys
    /// are stored in the order of the table, after all options.
    complaint (*take)(group_settings& into, const std::string& value);
};

/// The table of keys.
std::span<const toml_key> toml_keys();

/// The options that are keys without a record of their own, in the order of options().
std::vector<const option*> options_in_files();

/// The key of an option: its long name with '_' for '-'.
std::string key_of(const option& known);

/// The type of an option's value in a file.
key_type type_of(const option& known);

/// The names of all keys.
std::vector<std::string> key_names();

/// Keys with the same meaning: a group may have only one of each row.
using rival_keys = std::span<const char* const>;
std::vector<rival_keys> rivals();

} // namespace einhyrningsins::config
