// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/describe/class.hpp>

#include <cstdint>
#include <string>

namespace einhyrningsins::model {

/// Identifies the file of a unix socket, to distinguish it from another one at the same path.
struct socket_file {
    std::string path;
    std::uint64_t device = 0; ///< st_dev
    std::uint64_t inode = 0;  ///< st_ino
    bool operator==(const socket_file&) const = default;
};
BOOST_DESCRIBE_STRUCT(socket_file, (), (path, device, inode))

} // namespace einhyrningsins::model
