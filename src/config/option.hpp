// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace einhyrningsins::config {

/// What the master is to do; the later one counts if several are asked for.
enum class request_kind {
    run,
    check,
    help,
    version,
    usage, ///< help in short
    trial  ///< nothing: to have been executed is enough
};

/// Where the values of options go.
struct draft {
    request_kind& kind;
    master_settings& master;
    group_settings& group;
    std::vector<std::string> warnings; ///< of what is taken, but not as it may be meant
    std::vector<std::string> given{};  ///< the names of the options that there were
};

/// What is wrong with a value and what would be right, in one line; nothing: it was taken.
using complaint = std::optional<std::string>;

/// Reads a number of seconds into `target`.
complaint take_seconds(core::duration& target, const std::string& value);

/// The value of a flag that a file switches off.
constexpr std::string_view flag_off = "false";

/// One option of SPEC section 3. The command line, --help, the command `config`, the keys of a TOML
/// file and the check of the manual are all made from the table of these.
struct option {
    const char* heading;  ///< of --help, on the first option of a section, else null
    const char* name;     ///< long, without dashes
    char letter;          ///< short, or NUL
    const char* argument; ///< what --help calls its value; null: a flag
    const char* help;     ///< may have several lines
    bool repeatable;      ///< every value counts; of all others the last does
    bool at_run_time;     ///< may be changed by the command `config`
    /// A flag's value is empty, or flag_off.
    complaint (*take)(draft& into, const std::string& value);
    bool of_workers = false; ///< a key of a group in a TOML file, too, with '_' for '-'
};

/// All options, in the order of --help.
std::span<const option> options();

/// The option of that long name; nullptr if there is none.
const option* find_option(std::string_view name);

/// The lines of --help about `some` options, with their headings.
std::string describe(std::span<const option> some);

/// Has `group` forget what values of that option it was given, where these would add up with the
/// next ones.
void forget_values(group_settings& group, const option& known);

/// Takes values given at run time, as the command `config` does: one, or of a repeatable option any
/// number, which replace those it had. The name may be written with '_' for '-'. `group` changes
/// only if nothing is wrong; the complaint names the option.
complaint change_at_run_time(group_settings& group, std::string_view name,
                             const std::vector<std::string>& values);

} // namespace einhyrningsins::config
