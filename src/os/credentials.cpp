// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/credentials.hpp"

#include "os/process_file.hpp"
#include "os/unique_fd.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>

#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD // missing in the headers of Debian 12
#define SO_PEERPIDFD 77
#endif

namespace einhyrningsins::os {
namespace {

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

/// Calls a function like getpwnam_r(3) with an increasing buffer: a group may have many members.
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
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return last_error("peer credentials");
    return peer{credentials.pid, credentials.uid, credentials.gid, groups_of(socket)};
}

peer_presence presence_of_peer(int socket) {
    int fd = -1;
    socklen_t size = sizeof fd;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &fd, &size) != 0)
        return errno == ESRCH || errno == EINVAL ? peer_presence::gone : peer_presence::unknown;
    unique_fd process(fd);
    // Signal 0 only checks whether the process exists and may be signalled.
    if (::syscall(SYS_pidfd_send_signal, process.get(), 0, nullptr, 0) == 0)
        return peer_presence::there;
    if (errno == ESRCH) return peer_presence::gone;
    // The process may not be signalled, or a seccomp profile refuses the call. Anybody may wait
    // for its end; whether it has been reaped by then is not known.
    pollfd ended{process.get(), POLLIN, 0};
    return ::poll(&ended, 1, 0) == 0 ? peer_presence::there : peer_presence::unknown;
}

peer peer_of_child(pid_t pid, const std::optional<identity>& identity) {
    if (identity) return {pid, identity->user, identity->group, identity->groups};
    return {pid, ::geteuid(), ::getegid(), {}};
}

uid_t own_user() { return ::geteuid(); }

pid_t own_process() { return ::getpid(); }

std::optional<pid_t> parent_of(pid_t pid) {
    auto facts = stat_of(pid);
    return facts ? std::optional(facts->parent) : std::nullopt;
}

std::optional<std::uint32_t> number_of_id(const std::string& text) {
    std::uint32_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    bool whole = error == std::errc() && end == text.data() + text.size();
    // The largest number is -1, which means "unchanged" to chown(2) and is no valid id.
    if (!whole || value == UINT32_MAX) return std::nullopt;
    return value;
}

std::optional<uid_t> user_of(pid_t pid) {
    char text[1024] = {};
    read_process_file(pid, "status", std::span(text).first(sizeof text - 1));
    const char* line = std::strstr(text, "\nUid:");
    unsigned effective = 0;
    if (!line || std::sscanf(line, "\nUid: %*u %u", &effective) != 1) return std::nullopt;
    return effective;
}

result<uid_t> user_id(const std::string& name) {
    if (auto number = number_of_id(name)) return *number;
    passwd entry{};
    passwd* found = nullptr;
    int error = look_up([&](std::vector<char>& buffer) {
        return ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    });
    if (!found) return os_error{"no user is called " + name, error};
    return entry.pw_uid;
}

result<gid_t> group_id(const std::string& name) {
    if (auto number = number_of_id(name)) return *number;
    group entry{};
    group* found = nullptr;
    int error = look_up([&](std::vector<char>& buffer) {
        return ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    });
    if (!found) return os_error{"no group is called " + name, error};
    return entry.gr_gid;
}

result<std::optional<account>> find_account(uid_t user) {
    passwd entry{};
    passwd* found = nullptr;
    std::optional<account> known;
    int failed = look_up([&](std::vector<char>& buffer) {
        int error = ::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found);
        // The result points into the buffer.
        if (found) known = account{entry.pw_name, entry.pw_gid};
        return error;
    });
    if (!known && failed != 0 && failed != ENOENT && failed != ESRCH)
        return os_error{"user " + std::to_string(user), failed};
    return known;
}

} // namespace einhyrningsins::os
