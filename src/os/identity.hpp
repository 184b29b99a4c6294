// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace einhyrningsins::os {

/// Whom a process runs as.
struct identity {
    uid_t user = 0;
    gid_t group = 0;
    std::vector<gid_t> groups; ///< supplementary ones
    bool operator==(const identity&) const = default;
};

/// The identity that `user` and `group` name, each by name or number, or empty. Without a group it
/// is the user's own, without a user he is that of this process; the supplementary groups are the
/// user's own by group(5), and none for a number that passwd(5) does not know. Nothing: both are
/// empty, or, unless this process is root, what it is already. Fails for a name that nobody has,
/// and if this process has no right to become somebody else.
result<std::optional<identity>> find_identity(const std::string& user, const std::string& group);

} // namespace einhyrningsins::os
