// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/log_descriptor.hpp"

#include <climits>

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace einhyrningsins::os {

log_descriptor::log_descriptor() : terminal_(::isatty(STDERR_FILENO) == 1) {
    struct stat facts {};
    if (::fstat(STDERR_FILENO, &facts) != 0) return;
    if (S_ISREG(facts.st_mode)) {
        kind_ = kind::file;
    } else if (S_ISSOCK(facts.st_mode)) {
        kind_ = kind::socket;
    } else if (S_ISFIFO(facts.st_mode) || S_ISCHR(facts.st_mode)) {
        reopened_.reset(::open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
        if (reopened_) kind_ = kind::reopened;
    }
}

int log_descriptor::fd() const { return reopened_ ? reopened_.get() : STDERR_FILENO; }

ssize_t log_descriptor::write_some(std::string_view text) const {
    if (kind_ == kind::shared) {
        // A writable pipe has room for PIPE_BUF bytes, see pipe(7). Another process may fill it in
        // between, but there is no better way if it cannot be opened again.
        pollfd writable{STDERR_FILENO, POLLOUT, 0};
        if (::poll(&writable, 1, 0) == 0) return -EAGAIN;
        text = text.substr(0, PIPE_BUF);
    }
    ssize_t written = kind_ == kind::socket ? ::send(STDERR_FILENO, text.data(), text.size(),
                                                     MSG_DONTWAIT | MSG_NOSIGNAL)
                                            : ::write(fd(), text.data(), text.size());
    return written < 0 ? -errno : written;
}

std::size_t log_descriptor::write_all(std::string_view text) const {
    std::size_t done = 0;
    while (done < text.size()) {
        ssize_t written = ::write(fd(), text.data() + done, text.size() - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) break;
        done += static_cast<std::size_t>(written);
    }
    return done;
}

result<unique_fd> log_descriptor::watch_writable() const {
    unique_fd watch(::epoll_create1(EPOLL_CLOEXEC));
    if (!watch) return last_error("epoll");
    epoll_event wanted{};
    wanted.events = EPOLLOUT;
    if (::epoll_ctl(watch.get(), EPOLL_CTL_ADD, fd(), &wanted) != 0) return last_error("epoll");
    return watch;
}

} // namespace einhyrningsins::os
