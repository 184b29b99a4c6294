// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"

#include <boost/system/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace einhyrningsins::config {

/// A TOML file of groups (SPEC section 6) and what is needed to interpret it.
struct toml_file {
    std::string name; ///< for messages
    std::string_view text;
    /// The defaults of every group: the options of the command line.
    const group_settings& base;
    const std::vector<std::string>& environment; ///< that of the master, for $VAR in commands
};

/// All errors of a file in the order of its lines, one line each: "FILE:LINE:COLUMN: key 'x': what
/// is wrong: what would be right".
using complaints = std::vector<std::string>;

/// The groups of a file in its order, at least one, or all its errors.
boost::system::result<std::vector<group_settings>, complaints>
read_toml_file(const toml_file& from);

} // namespace einhyrningsins::config
