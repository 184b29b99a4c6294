// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/leftovers.hpp"

#include "core/signal_name.hpp"
#include "os/credentials.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>

namespace einhyrningsins::master {
namespace {

using core::severity;

/// A process that leaves its group instead of ending (setsid(2)) is not heard of. So the group is
/// looked at while it is waited for, each time when it has been waited for an eighth longer: some
/// fifty times until the deadline.
core::time_point next_look(const handoff::leftover& group, core::time_point now) {
    constexpr core::duration shortest = std::chrono::milliseconds(10);
    core::duration waited = now - (group.deadline - core::grace_before_kill);
    return std::min(group.deadline, now + std::max(shortest, waited / 8));
}

/// Processes of other users than the worker's: a worker of the master's own user may have any. All
/// are others' if it is not known who the worker was.
bool has_others(const handoff::leftover& group, const os::running_members& members) {
    return group.user != os::own_user() &&
           std::ranges::any_of(members.users, [&](uid_t user) { return user != group.user; });
}

std::string processes(std::size_t count) {
    return std::to_string(count) + (count == 1 ? " process" : " processes");
}

} // namespace

leftovers::leftovers(const group_context& of, const std::vector<handoff::leftover>& from)
    : of_(of),
      groups_(from),
      alarm_(of.loop, [this] { tend(); }) {
    look_again();
}

bool leftovers::keeps() const {
    bool by_default = of_.around.keeps_leftovers;
    auto wish = of_.settings.leftovers;
    return wish ? *wish == config::leftovers::keep : by_default;
}

/// Looked at in the next turn, when all that has ended by now is reaped.
void leftovers::look_after(const core::worker& worker, uid_t user) {
    bool was_killed = killed_.erase(worker.pid) > 0;
    if (!os::orphaned_group(worker.pid).exists()) return;
    handoff::leftover group{
        .pid = worker.pid, .user = user, .index = worker.index, .generation = worker.generation};
    if (was_killed) {
        group.told = SIGKILL;
        group.deadline = core::time_point::clock::now() + core::grace_before_kill;
    }
    groups_.push_back(group);
    alarm_.soon();
}

void leftovers::look_again() {
    if (!empty()) alarm_.soon();
}

void leftovers::kill() {
    for (handoff::leftover& group : groups_)
        send(group, SIGKILL, core::time_point::clock::now());
    look_again();
}

void leftovers::tend() {
    auto now = core::time_point::clock::now();
    bool any = !empty();
    std::erase_if(groups_,
                  [](const auto& group) { return !os::orphaned_group(group.pid).exists(); });
    std::set<pid_t> due;
    for (const handoff::leftover& group : groups_)
        if (group.told == 0 || now >= group.deadline) due.insert(group.pid);
    auto running = os::find_running(due);
    std::erase_if(groups_, [&](handoff::leftover& group) {
        return due.contains(group.pid) && !tend(group, running[group.pid], now);
    });
    auto next = core::time_point::max();
    for (const handoff::leftover& group : groups_)
        next = std::min(next, next_look(group, now));
    if (!empty()) alarm_.at(next);
    if (any && empty()) of_.wake(); // the end of the group, or the master's, may wait for it
}

bool leftovers::tend(handoff::leftover& group, const os::running_members& members,
                     core::time_point now) {
    bool is_new = group.told == 0;
    if (!is_new && members.count == 0) return false; // the dead are reaped by somebody else
    if (has_others(group, members)) {
        log(severity::warning, group,
            "has left processes of another user behind in its process group, which are left alone");
        return false;
    }
    return is_new ? begin(group, members.count, now) : insist(group, members.count, now);
}

bool leftovers::begin(handoff::leftover& group, std::size_t count, core::time_point now) {
    std::string text = "has left " + processes(count) + " behind in its process group";
    if (keeps()) {
        if (count > 0) log(severity::warning, group, text + " (--leftovers keep)");
        return false;
    }
    if (count > 0) log(severity::warning, group, text + "; sending SIGTERM");
    send(group, SIGTERM, now);
    return true;
}

/// Of those that even SIGKILL does not end nobody can say when they will.
bool leftovers::insist(handoff::leftover& group, std::size_t count, core::time_point now) {
    if (group.told == SIGKILL) {
        log(severity::error, group,
            "has left " + processes(count) + " behind that SIGKILL has not ended; going on");
        return false;
    }
    log(severity::warning, group,
        "has left " + processes(count) + " behind that are still there; sending SIGKILL");
    send(group, SIGKILL, now);
    return true;
}

void leftovers::send(handoff::leftover& group, int signal, core::time_point now) {
    os::orphaned_group left(group.pid);
    auto sent = left.signal(signal);
    if (sent && signal != SIGKILL) sent = left.signal(SIGCONT);
    if (!sent && sent.error().number != ESRCH) log(severity::error, group, sent.error().message());
    group.told = signal;
    group.deadline = now + core::grace_before_kill;
}

void leftovers::log(severity level, const handoff::leftover& group, const std::string& text) const {
    of_.log(level, "worker " + std::to_string(group.pid) + " (index " +
                       std::to_string(group.index) + ", generation " +
                       std::to_string(group.generation) + ") " + text);
}

} // namespace einhyrningsins::master
