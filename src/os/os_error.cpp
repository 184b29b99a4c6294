// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/os_error.hpp"

#include <cstring>

namespace einhyrningsins::os {

std::string os_error::message() const {
    if (number == 0) return what;
    const char* reason = ::strerrordesc_np(number); // null for an unknown number
    return what + ": " + (reason ? reason : "error " + std::to_string(number));
}

bool is_scarcity(int number) {
    switch (number) {
    case EAGAIN:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case ENOSPC:
    case EDQUOT:
    case ETOOMANYREFS:
    case ENOBUFS: return true;
    default: return false;
    }
}

} // namespace einhyrningsins::os
