// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/reap.hpp"

#include <algorithm>

#include <sys/resource.h>
#include <sys/wait.h>

namespace einhyrningsins::os {
namespace {

core::exit_cause cause_of(int status) {
    using enum core::exit_cause::kind_type;
    if (WIFEXITED(status)) return {exited, WEXITSTATUS(status), false};
    return {signaled, WTERMSIG(status), WCOREDUMP(status) != 0};
}

std::chrono::microseconds duration_of(const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

resources_used used_by(const rusage& usage) {
    return {static_cast<std::uint64_t>(usage.ru_maxrss) * 1024, duration_of(usage.ru_utime),
            duration_of(usage.ru_stime)};
}

} // namespace

std::vector<reaped> reap_children() {
    std::vector<reaped> all;
    int status = 0;
    rusage usage{};
    for (;;) {
        if (all.size() == all.capacity()) // before the next is reaped: that may fail
            all.reserve(std::max<std::size_t>(16, 2 * all.size()));
        pid_t pid = ::wait4(-1, &status, WNOHANG, &usage);
        if (pid <= 0) return all;
        all.push_back({pid, cause_of(status), used_by(usage)});
    }
}

} // namespace einhyrningsins::os
