// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/log_spec.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Decisions on when to rotate a log file and what to call the backups. Has no side effects.
namespace einhyrningsins::output {

using wall_time = std::chrono::sys_seconds;

/// A line up to this length is kept in memory until it is complete; a longer one is written in
/// pieces, while the file's other writers wait.
constexpr std::size_t longest_partial = 64 * 1024;

/// How many bytes at the end of a pipe's content are inspected if others write to the same file.
constexpr std::size_t looked_at = 16 * 1024;

/// How far a single line may take a file beyond its limit before it is cut.
constexpr std::uint64_t longest_overrun = 1024 * 1024;

/// When a file that was begun at `began` must be rotated.
wall_time next_rotation(const config::time_rotation& rule, wall_time began);

/// The end of the name of a backup that was begun at `began`: 20261121, 2026112109...
std::string stamp_of(const config::time_rotation& rule, wall_time began);

/// The backups of the file `base` among `names`, without the newest `kept` of them.
std::vector<std::string> surplus_backups(std::vector<std::string> names, std::string_view base,
                                         const config::time_rotation& rule, unsigned kept);

/// One renaming of a rotation by size; 0 is the file itself, n is PATH.n.
struct renumbering {
    unsigned from = 0, to = 0;
    bool operator==(const renumbering&) const = default;
};

/// The renamings, in order, if PATH.1 to PATH.`present` exist; the last backup is replaced. Empty
/// if no backup is kept: then the file is removed.
std::vector<renumbering> renumber(unsigned present, unsigned kept);

/// The state of the end of a file.
struct file_end {
    std::uint64_t size = 0;
    std::optional<std::uint64_t> limit; ///< of rotation by size
    bool due = false;                   ///< rotation by time is due
    bool mid_line = false;              ///< the last line has no end
};

/// How many bytes of `text` may be written before this is called again; 0: rotate first. A file is
/// rotated between lines, and as late as the limit permits. A line longer than the limit gets a
/// file of its own, and is cut only if it exceeds the limit by `longest_overrun`.
std::size_t writable_part(std::string_view text, const file_end& end);

/// How many of `size` bytes in a pipe may be spliced into the file without being inspected: none
/// near a rotation, and not the last ones if the file is shared, since others' lines must follow
/// the end of a line.
std::size_t blind_part(std::size_t size, bool shared, const file_end& end);

} // namespace einhyrningsins::output
