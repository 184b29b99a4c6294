// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/identity.hpp"

#include "os/credentials.hpp"

#include <algorithm>
#include <array>

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

/// The maximum of the kernel, see NGROUPS_MAX.
constexpr int most_groups = 65536;

/// The capabilities of this process, in two words; nothing: the system call is denied.
using capability_words = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;
std::optional<capability_words> own_capabilities() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    capability_words words{};
    if (::syscall(SYS_capget, &header, words.data()) != 0) return std::nullopt;
    return words;
}

/// Whether this process has the right to change to any identity.
bool may_become_others() {
    auto own = own_capabilities();
    if (!own) return ::geteuid() == 0;
    constexpr unsigned needed = 1U << CAP_SETUID | 1U << CAP_SETGID;
    return ((*own)[0].effective & needed) == needed;
}

result<std::vector<gid_t>> groups_of(const std::string& user, gid_t group) {
    int count = 64;
    std::vector<gid_t> all(static_cast<std::size_t>(count));
    while (::getgrouplist(user.c_str(), group, all.data(), &count) < 0) {
        int had = static_cast<int>(all.size());
        if (count > most_groups)
            return os_error{"user " + user + " is in more than " + std::to_string(most_groups) +
                            " groups"};
        if (count <= had) return os_error{"groups of user " + user, ENOMEM};
        all.resize(static_cast<std::size_t>(count));
    }
    all.resize(static_cast<std::size_t>(count));
    return all;
}

/// Whether any capability is ambient, and so passed on by every exec.
bool has_ambient_capabilities() {
    for (int capability = 0; capability <= CAP_LAST_CAP; ++capability)
        if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, capability, 0, 0) == 1) return true;
    return false;
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
    auto known = find_account(found.user);
    if (!known) return os_error{(user.empty() ? "gid: " : "uid: ") + known.error().message()};
    const auto& account = *known;
    if (!group.empty()) {
        auto id = group_id(group);
        if (!id) return os_error{"gid: " + id.error().message()};
        found.group = *id;
    } else if (account) {
        found.group = account->group;
    } else {
        return os_error{"uid " + user + ": it is not in passwd(5), so gid is required as well"};
    }
    if (found.user == ::geteuid() && found.group == ::getegid() && ::geteuid() != 0)
        return std::optional<identity>();
    if (!may_become_others())
        return os_error{(user.empty() ? "gid " + group : "uid " + user) + ": user " +
                        std::to_string(::geteuid()) +
                        " may not start programs as another user; start the master as root"};
    if (account) {
        auto groups = groups_of(account->name, found.group);
        if (!groups) return os_error{"uid: " + groups.error().message()};
        found.groups = std::move(*groups);
    }
    return std::optional(std::move(found));
}

bool inherits_capabilities() {
    if (::geteuid() == 0) return false;
    auto own = own_capabilities();
    if (!own) return has_ambient_capabilities(); // a seccomp profile refuses the question
    return ((*own)[0].inheritable | (*own)[1].inheritable) != 0;
}

} // namespace einhyrningsins::os
