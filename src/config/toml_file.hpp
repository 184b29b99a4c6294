// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"

#include <boost/system/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace einhyrningsins::config {

/// A TOML file of groups (SPEC section 6), and what its text alone does not say.
struct toml_file {
    std::string name; ///< for messages
    std::string_view text;
    /// What every group begins with: the options of the command line.
    const group_settings& base;
    const std::vector<std::string>& environment; ///< the master's, for $VAR in commands
};

/// All that is wrong with a file, in the order of its lines: "FILE:LINE:COLUMN: key 'x': what: what
/// would be right", each in one line.
using complaints = std::vector<std::string>;

/// The groups of a file, in its order, at least one; or what is wrong.
boost::system::result<std::vector<group_settings>, complaints>
read_toml_file(const toml_file& from);

} // namespace einhyrningsins::config
