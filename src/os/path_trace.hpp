// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "model/file_version.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace einhyrningsins::os {

using model::file_version;

/// The directories and symbolic links that a path leads through, and its file.
struct path_trace {
    enum class kind_type { directory, link, file, missing };
    struct step {
        std::string path; ///< with the links before it resolved
        kind_type kind = kind_type::missing;
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
        bool operator==(const step&) const = default;
    };
    /// In order. The last one is the file, unless something before it is missing.
    std::vector<step> steps;
    /// The version of an executable regular file at the end; nothing: there is none.
    std::optional<file_version> version;
};

/// Follows an absolute path.
path_trace trace_path(const std::string& path);

} // namespace einhyrningsins::os
