// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/identity.hpp"

#include "os/credentials.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

/// As many as the kernel takes, see NGROUPS_MAX.
constexpr int most_groups = 65536;

/// Whether this process has the right to become anybody.
bool may_become_others() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3]{};
    if (::syscall(SYS_capget, &header, data) != 0) return ::geteuid() == 0;
    constexpr unsigned needed = 1U << CAP_SETUID | 1U << CAP_SETGID;
    return (data[0].effective & needed) == needed;
}

std::vector<gid_t> groups_of(const std::string& user, gid_t group) {
    int count = 64;
    std::vector<gid_t> all(static_cast<std::size_t>(count));
    while (::getgrouplist(user.c_str(), group, all.data(), &count) < 0 && count <= most_groups)
        all.resize(static_cast<std::size_t>(count));
    all.resize(static_cast<std::size_t>(std::clamp(count, 0, most_groups)));
    return all;
}

} // namespace

result<std::optional<identity>> find_identity(const std::string& user, const std::string& group) {
    if (user.empty() && group.empty()) return std::optional<identity>();
    identity found{.user = ::geteuid(), .group = ::getegid(), .groups = {}};
    if (!user.empty()) {
        auto id = user_id(user);
        if (!id) return os_error{"uid: " + id.error().message()};
        found.user = *id;
    }
    auto account = find_account(found.user);
    if (!group.empty()) {
        auto id = group_id(group);
        if (!id) return os_error{"gid: " + id.error().message()};
        found.group = *id;
    } else if (account) {
        found.group = account->group;
    } else {
        return os_error{"uid " + user + ": passwd(5) does not know it, so that gid is needed too"};
    }
    if (found.user == ::geteuid() && found.group == ::getegid() && ::geteuid() != 0)
        return std::optional<identity>();
    if (!may_become_others())
        return os_error{(user.empty() ? "gid " + group : "uid " + user) + ": user " +
                        std::to_string(::geteuid()) +
                        " may not start programs as somebody else; start the master as root"};
    if (account) found.groups = groups_of(account->name, found.group);
    return std::optional(std::move(found));
}

} // namespace einhyrningsins::os
