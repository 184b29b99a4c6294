// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/describe/class.hpp>

#include <cstdint>

namespace einhyrningsins::model {

/// Identifies a version of a file. It changes when the file is replaced or written to.
struct file_version {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t changed_at = 0; ///< time of the last modification, ns
    bool operator==(const file_version&) const = default;
};
BOOST_DESCRIBE_STRUCT(file_version, (), (device, inode, size, changed_at))

} // namespace einhyrningsins::model
