// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/unique_fd.hpp"

#include <unistd.h>

namespace einhyrningsins::os {

void unique_fd::reset(int fd) {
    if (fd_ >= 0 && fd_ != fd) ::close(fd_);
    fd_ = fd;
}

} // namespace einhyrningsins::os
