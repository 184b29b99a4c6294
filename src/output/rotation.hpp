// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/log_spec.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// When and where output goes on in another file: numbers, names and times in, decisions out.
namespace einhyrningsins::output {

using wall_time = std::chrono::sys_seconds;

/// A line up to this long is kept together in memory until its end has come; a longer one goes to
/// the file piece by piece, while the file's other writers wait.
constexpr std::size_t longest_partial = 64 * 1024;

/// How much at the end of what a pipe holds is looked at where others write to the same file.
constexpr std::size_t looked_at = 16 * 1024;

/// How far a single line may take a file beyond its limit before it is cut.
constexpr std::uint64_t longest_overrun = 1024 * 1024;

/// When a file that was begun at `began` is to be replaced.
wall_time next_rotation(const config::time_rotation& rule, wall_time began);

/// What the name of a backup that was begun at `began` ends in: 20261121, 2026112109...
std::string stamp_of(const config::time_rotation& rule, wall_time began);

/// Those of `names` that are backups of the file called `base` beyond the newest `kept`.
std::vector<std::string> surplus_backups(std::vector<std::string> names, std::string_view base,
                                         const config::time_rotation& rule, unsigned kept);

/// One step of the rotation by size; 0 is the file itself, n is PATH.n.
struct renumbering {
    unsigned from = 0, to = 0;
    bool operator==(const renumbering&) const = default;
};

/// The steps in their order, if PATH.1 to PATH.`present` are there; the last backup is replaced.
/// Nothing if none is kept: then the file goes.
std::vector<renumbering> renumber(unsigned present, unsigned kept);

/// How it stands with the end of a file.
struct file_end {
    std::uint64_t size = 0;
    std::optional<std::uint64_t> limit; ///< of a rotation by size
    bool due = false;                   ///< a rotation by time
    bool mid_line = false;              ///< it ends in a line that has begun
};

/// How much of `text` may be written before the next decision; 0: rotate first. Rotation happens
/// between lines, and as late as the limit allows; a line that is longer than a whole file gets one
/// of its own, and is cut only when it goes beyond `longest_overrun`.
std::size_t writable_part(std::string_view text, const file_end& end);

/// How many of `size` bytes in a pipe may go to the file without being looked at: none near a
/// rotation, and if the file is shared, not the last ones, where a line may end that others'
/// lines are to follow.
std::size_t blind_part(std::size_t size, bool shared, const file_end& end);

} // namespace einhyrningsins::output
