// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace einhyrningsins::os {

/// One version of a file: as long as it is the same nobody has replaced or rewritten it.
struct file_version {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t changed_at = 0; ///< ns, the time of the last modification
    bool operator==(const file_version&) const = default;
};

/// What a path leads through to its file: each directory and each symbolic link on the way.
struct path_trace {
    enum class kind_type { directory, link, file, missing };
    struct step {
        std::string path; ///< with the links before it resolved
        kind_type kind = kind_type::missing;
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
        bool operator==(const step&) const = default;
    };
    /// In their order. The last one is the file, unless the way ends before.
    std::vector<step> steps;
    /// Of a regular file at the end that may be executed; nothing: there is none.
    std::optional<file_version> version;
};

/// Follows `path`, which is absolute.
path_trace trace_path(const std::string& path);

} // namespace einhyrningsins::os
