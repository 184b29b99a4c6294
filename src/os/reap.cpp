// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/reap.hpp"

#include <sys/wait.h>

namespace einhyrningsins::os {
namespace {

core::exit_cause cause_of(int status) {
    using enum core::exit_cause::kind_type;
    if (WIFEXITED(status)) return {exited, WEXITSTATUS(status), false};
    return {signaled, WTERMSIG(status), WCOREDUMP(status) != 0};
}

} // namespace

std::vector<reaped> reap_children() {
    std::vector<reaped> all;
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;)
        all.push_back({pid, cause_of(status)});
    return all;
}

} // namespace einhyrningsins::os
