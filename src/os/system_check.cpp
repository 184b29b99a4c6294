// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/system_check.hpp"

#include "os/child.hpp"
#include "os/unique_fd.hpp"

#include <algorithm>

#include <fcntl.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

/// Starts a child that goes through all stages except the exec.
result<void> rehearse_birth() {
    unique_fd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    unique_fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!root) return last_error("/");
    if (!null) return last_error("/dev/null");
    child made{};
    made.from.directory = root.get();
    made.from.null = null.get();
    made.from.highest = std::max(root.get(), null.get());
    made.parent = ::getpid();
    auto pid = start_sharing(made);
    if (!pid) return pid.error();
    wait_for(*pid);
    if (made.failed) return explain(made.failure, {}, nullptr);
    return {};
}

} // namespace

result<void> check_system() {
    if (::access("/proc/self/fd", X_OK) != 0)
        return os_error{"/proc: it must be mounted, see proc(5)", errno};
    auto rehearsed = rehearse_birth();
    if (rehearsed || is_scarcity(rehearsed.error().number)) return {};
    return os_error{"this system does not allow processes to be started: " + rehearsed.error().what,
                    rehearsed.error().number};
}

} // namespace einhyrningsins::os
