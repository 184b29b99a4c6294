// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/credentials.hpp"

#include "os/unique_fd.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

std::optional<std::uint32_t> number_in(const std::string& text) {
    std::uint32_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    bool whole = error == std::errc() && end == text.data() + text.size();
    // The largest number is -1, which chown(2) takes for "unchanged": it names nobody.
    if (!whole || value == UINT32_MAX) return std::nullopt;
    return value;
}

std::vector<gid_t> groups_of(int socket) {
    std::vector<gid_t> groups(32);
    socklen_t size;
    do {
        size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
        if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0) break;
        if (errno != ERANGE) return {};
        groups.resize(size / sizeof(gid_t));
    } while (true);
    groups.resize(size / sizeof(gid_t));
    return groups;
}

/// Calls one of getpwnam_r(3)'s family with more and more room: a group may have many members.
template <class Call>
int look_up(Call call) {
    constexpr std::size_t most = 1024 * 1024;
    std::vector<char> buffer(4096);
    int error;
    while ((error = call(buffer)) == ERANGE && buffer.size() < most)
        buffer.resize(buffer.size() * 2);
    return error;
}

} // namespace

result<peer> peer_of(int socket) {
    ucred who{};
    socklen_t size = sizeof who;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
        return last_error("peer credentials");
    return peer{who.pid, who.uid, who.gid, groups_of(socket)};
}

peer peer_of_child(pid_t pid, const std::optional<identity>& who) {
    if (who) return {pid, who->user, who->group, who->groups};
    return {pid, ::geteuid(), ::getegid(), {}};
}

uid_t own_user() { return ::geteuid(); }

pid_t own_process() { return ::getpid(); }

std::optional<pid_t> parent_of(pid_t pid) {
    char path[32];
    std::snprintf(path, sizeof path, "/proc/%d/stat", pid);
    unique_fd file(::open(path, O_RDONLY | O_CLOEXEC));
    char text[512];
    ssize_t size = file ? ::read(file.get(), text, sizeof text - 1) : 0;
    if (size <= 0) return std::nullopt;
    text[size] = '\0';
    // The name in parentheses may contain anything, ") S 1" as well: the last ')' ends it.
    const char* after_name = std::strrchr(text, ')');
    int parent = 0;
    if (!after_name || std::sscanf(after_name, ") %*c %d", &parent) != 1) return std::nullopt;
    return parent;
}

result<uid_t> user_id(const std::string& name) {
    if (auto number = number_in(name)) return *number;
    passwd entry{};
    passwd* found = nullptr;
    int error = look_up([&](std::vector<char>& buffer) {
        return ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    });
    if (!found) return os_error{"no user is called " + name, error};
    return entry.pw_uid;
}

result<gid_t> group_id(const std::string& name) {
    if (auto number = number_in(name)) return *number;
    group entry{};
    group* found = nullptr;
    int error = look_up([&](std::vector<char>& buffer) {
        return ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    });
    if (!found) return os_error{"no group is called " + name, error};
    return entry.gr_gid;
}

std::optional<account> find_account(uid_t user) {
    passwd entry{};
    passwd* found = nullptr;
    std::optional<account> known;
    look_up([&](std::vector<char>& buffer) {
        int error = ::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found);
        // What was found lies in the buffer.
        if (found) known = account{entry.pw_name, entry.pw_gid};
        return error;
    });
    return known;
}

} // namespace einhyrningsins::os
