// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "config/toml_document.hpp"

#include <string>
#include <vector>

namespace einhyrningsins::config {

/// An error in a file.
struct toml_complaint {
    text_position at;
    std::string what;
};

/// A group of a file, and the positions of the values that may conflict with other groups.
struct toml_group {
    group_settings settings;
    std::string listeners_key; ///< the key that is used: socket_address or bind; empty: none
    text_position listeners_at;
    text_position control_socket_at;
    text_position stdout_log_at, stderr_log_at;
};

/// Reads one table of a file. Errors are appended to `wrong`; the returned settings are then only
/// good for finding further errors.
toml_group read_toml_group(const toml_entry& table, const group_settings& base,
                           const std::vector<std::string>& environment,
                           std::vector<toml_complaint>& wrong);

} // namespace einhyrningsins::config
