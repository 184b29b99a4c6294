// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/directory_trust.hpp"

#include <algorithm>

#include <sys/xattr.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

bool has(const auto& all, auto id) { return std::ranges::find(all, id) != all.end(); }

/// fgetxattr(2) does not take descriptors of O_PATH.
bool has_acl(int fd) {
    std::string path = "/proc/self/fd/" + std::to_string(fd);
    if (::getxattr(path.c_str(), "system.posix_acl_access", nullptr, 0) >= 0) return true;
    return errno != ENODATA && errno != ENOTSUP;
}

} // namespace

trusted root_and_us() { return {{0, ::geteuid()}, {0, ::getegid()}}; }

result<directory_facts> facts_of(int fd) {
    directory_facts facts;
    if (::fstat(fd, &facts.status) != 0) return last_error("fstat");
    facts.has_acl = (facts.status.st_mode & S_IWGRP) && has_acl(fd);
    return facts;
}

bool is_open_to_others(const directory_facts& directory, const trusted& by) {
    const struct stat& status = directory.status;
    bool of_group = directory.has_acl || !has(by.groups, status.st_gid);
    return !has(by.users, status.st_uid) || (status.st_mode & S_IWOTH) ||
           ((status.st_mode & S_IWGRP) && of_group);
}

bool is_protected(const struct stat& inner, const directory_facts& outer, const trusted& by) {
    if (!is_open_to_others(outer, by)) return true;
    return (outer.status.st_mode & S_ISVTX) && has(by.users, outer.status.st_uid) &&
           has(by.users, inner.st_uid);
}

std::string stranger_in(const directory_facts& directory, const trusted& by) {
    const struct stat& status = directory.status;
    if (!has(by.users, status.st_uid)) return "uid " + std::to_string(status.st_uid);
    if (status.st_mode & S_IWOTH) return "everybody";
    if (!is_open_to_others(directory, by)) return "the owner of a directory above it";
    if (directory.has_acl) return "somebody whom its access control list names";
    return "group " + std::to_string(status.st_gid);
}

} // namespace einhyrningsins::os
