// SPDX-License-Identifier: GPL-3.0-or-later
//
// Calls that take any kind of descriptor.
#include "world/calls/call.hpp"
#include "world/kernel/epoll.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

namespace einhyrningsins::world {
namespace {

int add(file_ptr made, bool closes_on_exec, int lowest = 0) {
    return simulation()->open_descriptor(self(), std::move(made), closes_on_exec, lowest);
}

file_ptr of(int fd) { return simulation()->file_of(self(), fd); }

/// Calls `what` until it does not return -EAGAIN, unless the descriptor does not block.
template <class Call>
long block_on(const file_ptr& open, unsigned wanted, Call what) {
    long done;
    while ((done = what()) == -EAGAIN && !(open->flags & O_NONBLOCK))
        simulation()->wait([&] { return (open->events() & wanted) != 0; });
    return done;
}

int duplicate(int fd, int lowest, bool closes_on_exec) {
    file_ptr open = of(fd);
    if (!open) return -EBADF;
    int refused = simulation()->refuse("fcntl F_DUPFD");
    return refused ? -refused : add(std::move(open), closes_on_exec, lowest);
}

int duplicate_to(int fd, int as, bool closes_on_exec) {
    file_ptr open = of(fd);
    if (!open) return -EBADF;
    if (fd != as) std::swap((*self().descriptors)[as].file, open);
    (*self().descriptors)[as].closes_on_exec = closes_on_exec;
    return as;
}

} // namespace

SYSTEM_CALL(ssize_t, read, (int fd, void* into, size_t size), (fd, into, size)) {
    file_ptr open = of(fd);
    if (!open) return -EBADF;
    std::span<char> bytes(static_cast<char*>(into), size);
    return block_on(open, POLLIN | POLLHUP, [&] { return open->read(bytes); });
}

SYSTEM_CALL(ssize_t, write, (int fd, const void* from, size_t size), (fd, from, size)) {
    file_ptr open = of(fd);
    if (!open) return -EBADF;
    std::string_view bytes(static_cast<const char*>(from), size);
    return block_on(open, POLLOUT | POLLERR, [&] { return open->write(bytes); });
}

SYSTEM_CALL(ssize_t, pread, (int fd, void* into, size_t size, off_t offset),
            (fd, into, size, offset)) {
    auto open = simulation()->file_of<tree_file>(self(), fd);
    return open ? open->read_at({static_cast<char*>(into), size}, static_cast<std::size_t>(offset))
                : -EBADF;
}

SYSTEM_CALL(ssize_t, pwrite, (int fd, const void* from, size_t size, off_t offset),
            (fd, from, size, offset)) {
    auto open = simulation()->file_of<tree_file>(self(), fd);
    return open ? open->write_at({static_cast<const char*>(from), size},
                                 static_cast<std::size_t>(offset))
                : -EBADF;
}

SYSTEM_CALL(off_t, lseek, (int fd, off_t offset, int whence), (fd, offset, whence)) {
    auto open = simulation()->file_of<tree_file>(self(), fd);
    if (!open) return of(fd) ? -ESPIPE : -EBADF;
    if (whence == SEEK_SET) open->offset = static_cast<std::size_t>(offset);
    if (whence == SEEK_CUR) open->offset += static_cast<std::size_t>(offset);
    if (whence == SEEK_END) open->offset = open->node()->text.size();
    return static_cast<long>(open->offset);
}

SYSTEM_CALL(ssize_t, splice,
            (int from, off64_t* from_offset, int to, off64_t* to_offset, size_t size,
             unsigned flags),
            (from, from_offset, to, to_offset, size, flags)) {
    ignore(from_offset, flags);
    file_ptr source = of(from), target = of(to);
    if (!source || !target) return -EBADF;
    std::string bytes(std::min<std::size_t>(size, 64 * 1024), '\0');
    ssize_t came = source->read(bytes);
    if (came <= 0) return came;
    bytes.resize(static_cast<std::size_t>(came));
    auto file = std::dynamic_pointer_cast<tree_file>(target);
    if (!file || !to_offset) return target->write(bytes);
    file->write_at(bytes, static_cast<std::size_t>(*to_offset));
    *to_offset += came;
    return came;
}

SYSTEM_CALL(int, close, (int fd), (fd)) { return simulation()->close_descriptor(self(), fd); }

SYSTEM_CALL(int, close_range, (unsigned first, unsigned last, int flags), (first, last, flags)) {
    process& who = self();
    if (flags & static_cast<int>(CLOSE_RANGE_UNSHARE))
        who.descriptors = std::make_shared<descriptor_table>(*who.descriptors);
    std::vector<file_ptr> closed;
    for (auto& [fd, open] : *who.descriptors)
        if (static_cast<unsigned>(fd) >= first && static_cast<unsigned>(fd) <= last)
            closed.push_back(open.file);
    std::erase_if(*who.descriptors, [&](const auto& one) {
        return static_cast<unsigned>(one.first) >= first &&
               static_cast<unsigned>(one.first) <= last;
    });
    return 0;
}

SYSTEM_CALL(int, dup2, (int fd, int as), (fd, as)) { return duplicate_to(fd, as, false); }

SYSTEM_CALL(int, dup3, (int fd, int as, int flags), (fd, as, flags)) {
    return duplicate_to(fd, as, flags & O_CLOEXEC);
}

SYSTEM_CALL(int, fcntl, (int fd, int what, long argument), (fd, what, argument)) {
    file_ptr open = of(fd);
    if (!open) return -EBADF;
    bool& closes_on_exec = (*self().descriptors)[fd].closes_on_exec;
    constexpr int changeable = O_NONBLOCK | O_APPEND;
    switch (what) {
    case F_DUPFD: return duplicate(fd, static_cast<int>(argument), false);
    case F_DUPFD_CLOEXEC: return duplicate(fd, static_cast<int>(argument), true);
    case F_GETFD: return closes_on_exec ? FD_CLOEXEC : 0;
    case F_SETFD: closes_on_exec = argument & FD_CLOEXEC; return 0;
    case F_GETFL: return open->flags;
    case F_SETFL:
        open->flags = (open->flags & ~changeable) | (static_cast<int>(argument) & changeable);
        return 0;
    case F_GETPIPE_SZ: return 64 * 1024;
    case F_SETPIPE_SZ: return argument;
    default: return -EINVAL;
    }
}

SYSTEM_CALL(int, ioctl, (int fd, unsigned long what, void* argument), (fd, what, argument)) {
    file_ptr open = of(fd);
    if (!open) return -EBADF;
    if (what == FIONBIO) {
        bool wanted = *static_cast<int*>(argument) != 0;
        open->flags = wanted ? open->flags | O_NONBLOCK : open->flags & ~O_NONBLOCK;
        return 0;
    }
    if (what == FIONREAD) {
        *static_cast<int*>(argument) = open->events() & POLLIN ? 1 : 0;
        return 0;
    }
    return -ENOTTY;
}

SYSTEM_CALL(int, isatty, (int fd), (fd)) { return of(fd) ? -ENOTTY : -EBADF; }

namespace {

int make_pipe(int* both, int flags) {
    auto through = std::make_shared<channel>();
    for (int n : {0, 1}) {
        auto end = std::make_shared<pipe_end>(through, n == 1);
        end->flags = (flags & O_NONBLOCK) | (n == 1 ? O_WRONLY : O_RDONLY);
        both[n] = add(std::move(end), flags & O_CLOEXEC);
        if (both[n] >= 0) continue;
        if (n == 1) simulation()->close_descriptor(self(), both[0]);
        return both[n];
    }
    return 0;
}

} // namespace

SYSTEM_CALL(int, pipe2, (int* both, int flags), (both, flags)) { return make_pipe(both, flags); }
SYSTEM_CALL(int, pipe, (int* both), (both)) { return make_pipe(both, 0); }

// ---- Waiting ----

SYSTEM_CALL(int, poll, (pollfd * all, nfds_t count, int timeout), (all, count, timeout)) {
    int ready = 0;
    auto look = [&] {
        ready = 0;
        for (pollfd& one : std::span(all, count)) {
            file_ptr open = of(one.fd);
            unsigned wanted = static_cast<unsigned>(one.events) | POLLHUP | POLLERR;
            one.revents = static_cast<short>(open ? open->events() & wanted : POLLNVAL);
            ready += one.revents != 0;
        }
        return ready > 0;
    };
    instant deadline = simulation()->now() + std::chrono::milliseconds(std::max(0, timeout));
    simulation()->wait(look, timeout < 0 ? never : deadline);
    return ready;
}

SYSTEM_CALL(int, epoll_create1, (int flags), (flags)) {
    return add(std::make_shared<epoll_file>(), flags & EPOLL_CLOEXEC);
}

SYSTEM_CALL(int, epoll_create, (int size), (size)) {
    ignore(size);
    return add(std::make_shared<epoll_file>(), false);
}

SYSTEM_CALL(int, epoll_ctl, (int epoll, int what, int fd, epoll_event* wanted),
            (epoll, what, fd, wanted)) {
    auto set = simulation()->file_of<epoll_file>(self(), epoll);
    file_ptr watched = of(fd);
    if (!set || !watched) return -EBADF;
    if (watched == set) return -EINVAL;
    if (what == EPOLL_CTL_DEL) return set->remove(fd, watched);
    if (what == EPOLL_CTL_MOD) return set->change(fd, watched, *wanted);
    int refused = simulation()->refuse("epoll_ctl ADD");
    return refused ? -refused : set->add(fd, watched, *wanted);
}

SYSTEM_CALL(int, epoll_wait, (int epoll, epoll_event* into, int most, int timeout),
            (epoll, into, most, timeout)) {
    auto set = simulation()->file_of<epoll_file>(self(), epoll);
    if (!set) return -EBADF;
    instant deadline = simulation()->now() + std::chrono::milliseconds(std::max(0, timeout));
    simulation()->wait([&] { return set->has_news(); }, timeout < 0 ? never : deadline);
    return set->collect({into, static_cast<std::size_t>(most)});
}

SYSTEM_CALL(int, eventfd, (unsigned count, int flags), (count, flags)) {
    ignore(count);
    auto made = std::make_shared<event_counter>();
    made->flags = O_RDWR | (flags & EFD_NONBLOCK);
    return add(std::move(made), flags & EFD_CLOEXEC);
}

SYSTEM_CALL(int, timerfd_create, (int clock, int flags), (clock, flags)) {
    ignore(clock);
    auto made = std::make_shared<timer_file>(simulation()->now());
    made->flags = O_RDWR | (flags & TFD_NONBLOCK);
    return add(std::move(made), flags & TFD_CLOEXEC);
}

SYSTEM_CALL(int, timerfd_settime, (int fd, int flags, const itimerspec* wanted, itimerspec* before),
            (fd, flags, wanted, before)) {
    ignore(before);
    auto timer = simulation()->file_of<timer_file>(self(), fd);
    if (!timer) return -EBADF;
    instant due = std::chrono::seconds(wanted->it_value.tv_sec) +
                  std::chrono::nanoseconds(wanted->it_value.tv_nsec);
    if (due.count() > 0 && !(flags & TFD_TIMER_ABSTIME)) due += simulation()->now();
    timer->set(due);
    instant pause = std::max(instant(0), due - simulation()->now());
    if (due.count() > 0) simulation()->after(pause, [] {}); // something happens then
    return 0;
}

SYSTEM_CALL(int, signalfd, (int fd, const sigset_t* wanted, int flags), (fd, wanted, flags)) {
    ignore(fd);
    std::set<int> numbers;
    for (int number = 1; number < 65; ++number)
        if (sigismember(wanted, number) == 1) numbers.insert(number);
    auto made = std::make_shared<signal_file>(self().pending, std::move(numbers));
    made->flags = O_RDWR | (flags & SFD_NONBLOCK);
    return add(std::move(made), flags & SFD_CLOEXEC);
}

} // namespace einhyrningsins::world
