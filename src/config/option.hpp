// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace einhyrningsins::config {

/// What the command line requests. If it requests several things, the last one in this order
/// counts.
enum class request_kind {
    run,
    check,
    help,
    version,
    usage, ///< short help
    trial  ///< to exit successfully: this shows that the program can be executed
};

/// The destination of option values.
struct draft {
    request_kind& kind;
    master_settings& master;
    group_settings& group;
    std::vector<std::string> warnings; ///< about values that do not have the effect one may expect
    std::vector<std::string> given{};  ///< the names of the options on the command line
};

/// Why a value was not accepted and what would be right, in one line; nothing: it was accepted.
using complaint = std::optional<std::string>;

/// Parses a number of seconds into `target`.
complaint take_seconds(core::duration& target, const std::string& value);

/// The value of a flag that a file sets to false.
constexpr std::string_view flag_off = "false";

/// An option of SPEC section 3. The command line, --help, the command `config` and the keys of a
/// TOML file are all derived from the table of these, and the manual is checked against it.
struct option {
    const char* heading;  ///< in --help, for the first option of a section; null: none
    const char* name;     ///< the long name without dashes
    char letter;          ///< the short name; NUL: none
    const char* argument; ///< the name of its value in --help; null: it is a flag
    const char* help;     ///< may have several lines
    bool repeatable;      ///< all values count; otherwise the last one does
    bool at_run_time;     ///< may be changed by the command `config`
    /// Stores a value. That of a flag is empty, or flag_off.
    complaint (*take)(draft& into, const std::string& value);
    bool of_workers = false; ///< also a key of a group in a TOML file, with '_' for '-'
};

/// All options, in the order of --help.
std::span<const option> options();

/// The option with this long name; null: there is none.
const option* find_option(std::string_view name);

/// The lines of --help for these options, with their headings.
std::string describe(std::span<const option> options);

/// Removes the values of a cumulative option from `group`, so that new values replace them.
void forget_values(group_settings& group, const option& known);

/// Changes an option at run time, as the command `config` does. Takes one value, or any number of
/// values of a repeatable option, which replace the previous ones. The name may be written with '_'
/// for '-'. On a complaint, which names the option, `group` is unchanged.
complaint change_at_run_time(group_settings& group, std::string_view name,
                             const std::vector<std::string>& values);

} // namespace einhyrningsins::config
