// SPDX-License-Identifier: GPL-3.0-or-later
#include "world/faults.hpp"

#include <map>
#include <vector>

#include <cerrno>

namespace einhyrningsins::world {
namespace {

const std::vector<int> no_descriptors{EMFILE, ENFILE, ENOMEM};
const std::vector<int> no_path{EMFILE, ENFILE, ENOMEM, EIO};

const std::map<std::string_view, std::vector<int>> table{
    {"accept4", {EMFILE, ENFILE, ENOMEM, ENOBUFS, ECONNABORTED}},
    {"chmod", {EIO, EROFS}},
    {"clone", {EAGAIN, ENOMEM}},
    {"dup2", {EBUSY, EINTR}},
    {"epoll_create1", no_descriptors},
    {"epoll_ctl ADD", {ENOMEM, ENOSPC}},
    {"eventfd", no_descriptors},
    {"execve", {ENOMEM, EAGAIN, EIO}},
    {"fchdir", {EIO}},
    {"fcntl F_DUPFD", {EMFILE}},
    {"fstat", {ENOMEM, EIO}},
    {"inotify_add_watch", {ENOMEM, ENOSPC}},
    {"inotify_init1", no_descriptors},
    {"lstat", {ENOMEM, EIO}},
    {"memfd_create", no_descriptors},
    {"open", no_path},
    {"openat", no_path},
    {"pipe2", {EMFILE, ENFILE}},
    {"recv", {ENOMEM, ECONNRESET}},
    {"recvmsg", {ENOMEM, ENOBUFS}},
    {"send", {ENOMEM, ENOBUFS, EPIPE}},
    {"setpgid", {EPERM}},
    {"setsid", {EPERM}},
    {"signalfd", no_descriptors},
    {"socket", {EMFILE, ENFILE, ENOMEM, ENOBUFS}},
    {"socketpair", no_descriptors},
    {"stat", {ENOMEM, EIO}},
    {"timerfd_create", no_descriptors},
};

} // namespace

int faults::usual(std::string_view call) {
    auto found = table.find(call);
    return found == table.end() ? 0 : found->second.front();
}

int faults::next(std::string_view call) {
    if (per_thousand == 0) return 0;
    auto found = table.find(call);
    if (found == table.end() || random_() % 1000 >= per_thousand) return 0;
    return found->second[random_() % found->second.size()];
}

} // namespace einhyrningsins::world
