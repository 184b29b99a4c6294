// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/descriptor_needs.hpp"

#include "machine/descriptor_shares.hpp"

#include <set>

namespace einhyrningsins::master {
namespace {

/// Signals, watched files, lock, pid file, the control socket, helper threads, /dev/null twice.
constexpr std::size_t of_master = 8;
/// Of the output of workers: two that wait for it, besides the files.
constexpr std::size_t of_logs = 2;

std::size_t of_worker(const config::group_settings& group) {
    return std::size_t{group.stdout_log.has_value()} + group.stderr_log.has_value() +
           group.command_socket_as_fd;
}

/// Its working directory, listeners, sockets of its own, template process, and workers.
std::size_t of_group(const config::group_settings& group) {
    bool is_notified = std::holds_alternative<core::ack_notify>(group.policy.ack);
    return 1 + group.listeners.size() + !group.control_socket.empty() + is_notified +
           !group.preload.empty() + group.policy.number * of_worker(group);
}

std::string plural(std::size_t count, const std::string& noun) {
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

} // namespace

std::optional<std::string> why_too_few_descriptors(const handoff::state& from, std::size_t used,
                                                   std::size_t limit) {
    std::size_t needed = used + of_master + machine::spare_descriptors, workers = 0;
    std::set<std::string> logs;
    for (const handoff::group& group : from.groups) {
        needed += of_group(group.settings);
        workers += group.settings.policy.number;
        for (const auto& log : {group.settings.stdout_log, group.settings.stderr_log})
            if (log) logs.insert(log->path);
    }
    if (!logs.empty()) needed += of_logs + logs.size();
    if (needed <= limit) return std::nullopt;
    return "open files: at least " + std::to_string(needed) + " are needed for " +
           plural(workers, "worker") + ", their logs and a client, but the hard limit is " +
           std::to_string(limit) + "; raise it (ulimit -Hn, or LimitNOFILE= of systemd)";
}

} // namespace einhyrningsins::master
