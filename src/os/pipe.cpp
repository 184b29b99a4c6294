// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/pipe.hpp"

#include <algorithm>
#include <array>

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace einhyrningsins::os {

result<pipe_ends> make_pipe() {
    int both[2];
    if (::pipe2(both, O_CLOEXEC) != 0) return last_error("pipe");
    pipe_ends ends{unique_fd(both[0]), unique_fd(both[1])};
    // The ends are separate open file descriptions: the write end still blocks.
    if (::fcntl(both[0], F_SETFL, O_NONBLOCK) != 0) return last_error("pipe");
    return ends;
}

void give_pipe(int fd, const identity& user) { (void)!::fchown(fd, user.user, user.group); }

std::size_t resize_pipe(int fd, std::size_t bytes) {
    int size = ::fcntl(fd, F_SETPIPE_SZ, static_cast<int>(bytes));
    return size > 0 ? static_cast<std::size_t>(size) : pipe_size(fd);
}

std::size_t pipe_size(int fd) {
    int size = ::fcntl(fd, F_GETPIPE_SZ);
    return size > 0 ? static_cast<std::size_t>(size) : 0;
}

ssize_t move_bytes(int from, int to, std::size_t most) {
    ssize_t moved;
    do
        moved = ::splice(from, nullptr, to, nullptr, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    while (moved < 0 && errno == EINTR);
    return moved < 0 ? -errno : moved;
}

ssize_t read_some(int from, std::span<char> into) {
    ssize_t came;
    do
        came = ::read(from, into.data(), into.size());
    while (came < 0 && errno == EINTR);
    return came < 0 ? -errno : came;
}

std::optional<std::size_t> bytes_in(int fd) {
    int left = 0;
    if (::ioctl(fd, FIONREAD, &left) != 0) return std::nullopt;
    return static_cast<std::size_t>(left);
}

bool is_empty(const pipe_ends& pipe) { return bytes_in(pipe.read.get()) == std::size_t(0); }

void wait_readable(int fd, std::chrono::nanoseconds longest) {
    auto whole = std::chrono::ceil<std::chrono::milliseconds>(longest).count();
    pollfd wanted{fd, POLLIN, 0};
    ::poll(&wanted, 1, static_cast<int>(std::clamp<long>(whole, 0, 60'000)));
}

std::size_t read_bytes(int from, std::span<char> into) {
    std::size_t done = 0;
    while (done < into.size()) {
        ssize_t came = ::read(from, into.data() + done, into.size() - done);
        if (came < 0 && errno == EINTR) continue;
        if (came <= 0) break;
        done += static_cast<std::size_t>(came);
    }
    return done;
}

result<readable_set> readable_set::make() {
    unique_fd fd(::epoll_create1(EPOLL_CLOEXEC));
    if (!fd) return last_error("epoll");
    return readable_set(std::move(fd));
}

bool readable_set::add(int fd) const {
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.fd = fd;
    return ::epoll_ctl(fd_.get(), EPOLL_CTL_ADD, fd, &wanted) == 0;
}

void readable_set::remove(int fd) const { ::epoll_ctl(fd_.get(), EPOLL_CTL_DEL, fd, nullptr); }

std::vector<int> readable_set::readable() const {
    std::array<epoll_event, 64> events;
    int count = ::epoll_wait(fd_.get(), events.data(), static_cast<int>(events.size()), 0);
    std::vector<int> found;
    for (int n = 0; n < count; ++n)
        found.push_back(events[static_cast<std::size_t>(n)].data.fd);
    return found;
}

} // namespace einhyrningsins::os
