// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "config/toml_document.hpp"

#include <string>
#include <vector>

namespace einhyrningsins::config {

/// Something wrong in a file.
struct toml_complaint {
    text_position at;
    std::string what;
};

/// A group as a file has it, and where what it has to share with other groups stands.
struct toml_group {
    group_settings settings;
    std::string listeners_key; ///< which of its names they have; empty: there are none
    text_position listeners_at;
    text_position control_socket_at;
    text_position stdout_log_at, stderr_log_at;
};

/// Reads one table of a file. What is wrong is added to `wrong`; the settings are then of no use
/// but to find out what else is wrong.
toml_group read_toml_group(const toml_entry& table, const group_settings& base,
                           const std::vector<std::string>& environment,
                           std::vector<toml_complaint>& wrong);

} // namespace einhyrningsins::config
