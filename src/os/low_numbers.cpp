// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/low_numbers.hpp"

#include <algorithm>

#include <fcntl.h>

namespace einhyrningsins::os {
namespace {

constexpr int first_of_many = 64;

} // namespace

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
