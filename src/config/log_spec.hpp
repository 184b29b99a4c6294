// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/bind_spec.hpp"

#include <boost/system/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace einhyrningsins::config {

/// Rotation by size: start a new file before the current one would exceed `bytes`.
struct size_rotation {
    std::uint64_t bytes = 0;
    bool operator==(const size_rotation&) const = default;
};

enum class time_unit { second, minute, hour, day, midnight };

/// Rotation by time: start a new file `every` units after the current one was started, or with
/// `midnight` at the midnight that ends this many days.
struct time_rotation {
    unsigned every = 1;
    time_unit unit = time_unit::day;
    bool local = false; ///< local time; otherwise UTC
    bool operator==(const time_rotation&) const = default;
};

/// A log file for the output of workers (SPEC section 6, stdout_log), as plain data.
struct log_spec {
    std::string text; ///< as the user wrote it, for messages
    std::variant<size_rotation, time_rotation> rotate;
    unsigned backups = 0; ///< how many old files are kept; 0: none
    std::string path;
    bool operator==(const log_spec&) const = default;
};

/// Parses `size:BYTES:BACKUPS:PATH` or `time:N:S|M|H|D|MIDNIGHT:U|L:BACKUPS:PATH`. The message of
/// an error begins with the text in quotes.
boost::system::result<log_spec, text_error> parse_log_spec(std::string_view text);

/// Returns `spec` with another path.
log_spec with_path(log_spec spec, const std::string& path);

} // namespace einhyrningsins::config
