// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/memory_survey.hpp"

#include "os/process.hpp"

#include <algorithm>
#include <utility>

namespace einhyrningsins::master {
namespace {

memory_survey::sizes sizes_of(const std::vector<core::process_id>& processes) {
    memory_survey::sizes found;
    for (core::process_id pid : processes)
        if (auto bytes = os::memory_bytes(pid)) found.emplace(pid, bytes);
    return found;
}

} // namespace

memory_survey::memory_survey(boost::asio::io_context& context)
    : helpers_(context, {.threads = 1, .jobs = 1000}) {}

void memory_survey::take(std::vector<core::process_id> processes, handler done) {
    survey& fresh = surveys_.emplace_back(survey{std::move(done), {}});
    auto job = helpers_.run([pids = std::move(processes)] { return sizes_of(pids); },
                            [this, &fresh](const os::result<sizes>& found) {
                                deliver(fresh, found ? *found : sizes());
                            });
    if (!job) return deliver(fresh, {});
    fresh.job = std::move(*job);
}

void memory_survey::finish() {
    while (!surveys_.empty())
        deliver(surveys_.front(), {});
}

void memory_survey::deliver(survey& which, const sizes& found) {
    handler done = std::move(which.done);
    surveys_.remove_if([&](const survey& one) { return &one == &which; });
    done(found);
}

} // namespace einhyrningsins::master
