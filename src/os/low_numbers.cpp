// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/low_numbers.hpp"

#include "os/own_process.hpp"

#include <algorithm>

#include <fcntl.h>

namespace einhyrningsins::os {
namespace {

constexpr int first_of_many = 64;

/// The numbers from the lowest free one on; `end` is the first that is not possible.
std::size_t free_from(std::size_t first, std::size_t end) {
    if (first >= end) return 0;
    unique_fd probe(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, static_cast<int>(first)));
    std::size_t lowest = probe ? static_cast<std::size_t>(probe.get()) : end;
    return end - std::min(end, lowest);
}

} // namespace

std::size_t free_descriptors() {
    std::size_t limit = descriptor_limit();
    return free_from(0, std::min<std::size_t>(limit, first_of_many)) +
           free_from(first_of_many, limit);
}

void leave_low_numbers(unique_fd& fd) {
    if (!fd || fd.get() >= first_of_many) return;
    unique_fd moved(::fcntl(fd.get(), F_DUPFD_CLOEXEC, first_of_many));
    if (moved) fd = std::move(moved);
}

result<int> low_copies::of(int fd) {
    if (fd >= 0 && (fd < lowest_ || fd >= first_of_many)) {
        unique_fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, lowest_));
        if (copy)
            fd = copies_.emplace_back(std::move(copy)).get();
        else if (fd < lowest_)
            return last_error("descriptor " + std::to_string(fd));
    }
    highest_ = std::max(highest_, fd);
    return fd;
}

} // namespace einhyrningsins::os
