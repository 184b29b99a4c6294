// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/describe/class.hpp>

#include <vector>

namespace einhyrningsins::model {

/// The user and groups of a process. The types are those of uid_t and gid_t, without the system
/// header.
struct identity {
    unsigned user = 0;
    unsigned group = 0;
    std::vector<unsigned> groups; ///< supplementary groups
    bool operator==(const identity&) const = default;
};
BOOST_DESCRIBE_STRUCT(identity, (), (user, group, groups))

} // namespace einhyrningsins::model
