// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"

#include <string>
#include <vector>

#include <sys/stat.h>

/// Who can have made what is found under a name: the rule for all paths that other users may have a
/// hand in (the master's files, and the control socket that a client connects to).
namespace einhyrningsins::os {

/// Those who may create and replace files.
struct trusted {
    std::vector<uid_t> users;
    std::vector<gid_t> groups; ///< all members
};

/// Root and the effective user and group of this process.
trusted root_and_us();

/// What is known of a directory.
struct directory_facts {
    struct stat status {};
    /// Whether it is writable and has an access control list, see acl(5). Of the group's bits in
    /// st_mode only the mask is left then: any user may be meant.
    bool has_acl = false;
};

/// Those of an open directory, which may be open with O_PATH. If the system does not tell whether
/// there is an access control list, there may be one.
result<directory_facts> facts_of(int fd);

/// Whether anybody else can create files in a directory: it belongs to another user, or its mode
/// lets everybody write to it, or a group that is not trusted, or, with an access control list, any
/// group.
bool is_open_to_others(const directory_facts& directory, const trusted& by);

/// Whether nobody else can replace `inner`, an entry of `outer`: nobody can create files there, or
/// both belong to trusted users and `outer` has the sticky bit (such as /tmp).
bool is_protected(const struct stat& inner, const directory_facts& outer, const trusted& by);

/// Who else can create files in a directory, for messages: "uid 1000", "group 4", "everybody".
std::string stranger_in(const directory_facts& directory, const trusted& by);

} // namespace einhyrningsins::os
