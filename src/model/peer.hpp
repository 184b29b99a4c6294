// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/describe/class.hpp>

#include <vector>

namespace einhyrningsins::model {

/// The process at the other end of a unix socket, as it was when it connected. The types are those
/// of pid_t, uid_t and gid_t, without the system header.
struct peer {
    int pid = 0;
    unsigned uid = 0;
    unsigned gid = 0;
    std::vector<unsigned> groups; ///< supplementary groups
};
BOOST_DESCRIBE_STRUCT(peer, (), (pid, uid, gid, groups))

} // namespace einhyrningsins::model
