// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/pid_table.hpp"

#include "os/credentials.hpp"
#include "os/own_process.hpp"

#include <algorithm>
#include <optional>

namespace einhyrningsins::master {
namespace {

/// How far up a worker is looked for.
constexpr int most_ancestors = 32;

/// Where the pid is, or belongs.
auto place_of(auto& entries, core::process_id pid) {
    return std::ranges::lower_bound(entries, pid, {},
                                    [](const pid_table::entry& one) { return one.worker.pid; });
}

} // namespace

void pid_table::add(core::process_id pid, group_runner& runner, uid_t user) {
    remove(pid);
    entries_.insert(place_of(entries_, pid), {{pid, ++last_serial_}, &runner, user});
    ++users_[user];
}

void pid_table::remove(core::process_id pid) {
    auto place = place_of(entries_, pid);
    if (place == entries_.end() || place->worker.pid != pid) return;
    forget_user(place->user);
    entries_.erase(place);
}

void pid_table::remove_all(const group_runner& runner) {
    std::erase_if(entries_, [&](const entry& one) {
        if (one.runner != &runner) return false;
        forget_user(one.user);
        return true;
    });
}

void pid_table::forget_user(uid_t user) {
    auto known = users_.find(user);
    if (--known->second == 0) users_.erase(known);
}

pid_table::entry pid_table::find(core::process_id pid) const {
    auto place = place_of(entries_, pid);
    return place == entries_.end() || place->worker.pid != pid ? entry{} : *place;
}

pid_table::entry pid_table::find(const worker_ref& worker) const {
    entry found = find(worker.pid);
    return found && found.worker == worker ? found : entry{};
}

bool pid_table::entry::runs_as(uid_t who) const {
    return user == who || os::user_of(worker.pid) == who;
}

pid_table::entry pid_table::find_above(core::process_id pid) const {
    std::optional<core::process_id> ancestor = pid;
    for (int depth = 0; ancestor && *ancestor > 1 && depth < most_ancestors; ++depth) {
        if (auto found = find(*ancestor)) return found;
        if (*ancestor == os::own_process()) break;
        ancestor = os::parent_of(*ancestor);
    }
    return {};
}

unsigned pid_table::workers_of(uid_t user) const {
    auto known = users_.find(user);
    return known == users_.end() ? 0 : known->second;
}

bool pid_table::all_are_of(uid_t user) const {
    return users_.size() == (users_.contains(user) ? 1U : 0U);
}

} // namespace einhyrningsins::master
