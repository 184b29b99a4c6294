// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/live_check.hpp"

#include "master/group/pid_table.hpp"
#include "os/files.hpp"
#include "os/own_process.hpp"

#include <chrono>
#include <utility>

namespace einhyrningsins::master {
namespace {

using core::severity;
using std::chrono::nanoseconds;
using clock = core::time_point::clock;

/// The clock of file systems runs a little behind, by a tick of the kernel.
constexpr auto file_clock_tick = std::chrono::milliseconds(20);

} // namespace

live_check::live_check(const group_context& of, const handoff::group& from) : of_(of) {
    if (!from.watch_files.empty()) files_.emplace(from.watch_files);
    for (const handoff::watch_look& each : from.looks) {
        std::chrono::system_clock::time_point touched{nanoseconds(each.touched_at)};
        looks_[each.index] = {{each.inode, touched}, each.at};
    }
}

void live_check::open() {
    if (files_ || of_.settings.policy.live_check <= core::duration::zero()) return;
    auto made = os::touch_directory::make(
        os::absolute_path(os::temporary_directory(), of_.around.working_directory));
    if (!made) return of_.log(severity::error, made.error().message());
    files_.emplace(std::move(*made));
}

void live_check::hand_over(handoff::group& into) const {
    if (files_) into.watch_files = files_->path();
    for (const auto& [index, last] : looks_) {
        nanoseconds touched = last.what.at.time_since_epoch();
        into.looks.push_back({index, last.what.inode, touched.count(), last.at});
    }
}

std::string live_check::entry() const {
    if (!files_ || of_.settings.policy.live_check <= core::duration::zero()) return {};
    const std::string& prefix = of_.settings.variable_prefix;
    return (prefix.empty() ? "EINHYRNINGSINS" : prefix) + "_WATCH_FILE=" + files_->path() + "/";
}

os::result<void> live_check::prepare_worker(unsigned index, uid_t user) {
    if (!files_) return {};
    auto prepared = files_->prepare(index, user);
    if (!prepared) return prepared.error();
    if (auto touch = files_->last_touch(index)) looks_[index] = {*touch, clock::now()};
    return {};
}

std::vector<live_check::sign> live_check::signs(core::time_point now) {
    std::vector<sign> all;
    if (!files_ || of_.group.phase() != core::group_phase::running) return all;
    for (const core::worker& worker : of_.group.workers()) {
        if (!core::is_due(core::live_deadline(worker, of_.group.wishes()), now)) continue;
        if (auto last = last_sign(worker)) all.push_back({worker.id, *last});
    }
    return all;
}

/// When the worker has last shown a sign of life; nothing: it has shown none after the last one
/// that is known. A file that has vanished is made again, and counts as a sign of life: the worker
/// may have removed it, or could not touch it.
///
/// The time of a touch is told by the clock of the wall. If that was set meanwhile, so that the
/// touch would be older than the look before it, or still to come, it counts as of now.
std::optional<core::time_point> live_check::last_sign(const core::worker& worker) {
    core::time_point now = clock::now();
    auto touch = files_->last_touch(worker.index);
    if (!touch) {
        make_again(worker);
        return now;
    }
    auto before = looks_.find(worker.index);
    bool is_known = before != looks_.end();
    if (is_known && before->second.what == *touch) return std::nullopt;
    core::time_point when = now - (std::chrono::system_clock::now() - touch->at);
    core::time_point since = is_known ? before->second.at : core::last_sign_of_life(worker);
    looks_[worker.index] = {*touch, now};
    if (when >= since - file_clock_tick && when <= now) return when;
    return is_known ? std::optional(now) : std::nullopt;
}

void live_check::make_again(const core::worker& worker) {
    auto known = of_.around.workers->find(worker.pid);
    if (!known) return;
    bool directory_is_there = files_->is_there();
    if (auto made = prepare_worker(worker.index, known.user); !made) {
        if (!std::exchange(complained_, true))
            of_.log(severity::error, made.error().message() +
                                         "; signs of life are not asked for until it can be made");
        return;
    }
    complained_ = false;
    if (directory_is_there) return;
    of_.log(severity::warning,
            "the directory of watch files, " + files_->path() +
                ", had vanished; it is there again, and the workers have time anew");
}

} // namespace einhyrningsins::master
