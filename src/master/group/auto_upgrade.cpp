// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/auto_upgrade.hpp"

#include <algorithm>
#include <utility>

namespace einhyrningsins::master {
namespace {

using core::severity;
using os::change;
using kind_type = os::path_trace::kind_type;

/// As long as nothing may happen before a change is taken for complete.
constexpr auto quiet_time = std::chrono::milliseconds(500);

/// A directory tells only of itself, so that other traffic in it wakes nobody. A link that is
/// replaced loses its name; so does a file.
change wanted_of(kind_type kind) {
    switch (kind) {
    case kind_type::directory: return change::moved;
    case kind_type::link: return change::moved | change::attributes;
    case kind_type::file:
        return change::moved | change::attributes | change::content | change::closed;
    case kind_type::missing: break;
    }
    return change::moved;
}

} // namespace

auto_upgrade::auto_upgrade(boost::asio::io_context& context, path_watcher& paths, owner who)
    : paths_(paths),
      owner_(std::move(who)),
      timer_(context) {}

auto_upgrade::auto_upgrade(boost::asio::io_context& context, path_watcher& paths,
                           const handoff::followed_program& from, owner who)
    : auto_upgrade(context, paths, std::move(who)) {
    path_ = from.path;
    changing_ = from.changing;
    if (auto& one = from.version)
        version_ = os::file_version{one->device, one->inode, one->size, one->changed_at};
    if (path_.empty()) return;
    arm();
    if (trace_.version != version_) wait(); // a burst was under way
}

handoff::followed_program auto_upgrade::hand_over() const {
    handoff::followed_program into{.path = path_, .changing = changing_};
    if (version_)
        into.version = handoff::program_version{version_->device, version_->inode, version_->size,
                                                version_->changed_at};
    return into;
}

void auto_upgrade::follow(const std::string& path) {
    path_ = path;
    changing_ = false;
    arm();
    version_ = trace_.version;
}

/// Begins to watch what the path leads through now. What changes meanwhile is looked at again.
void auto_upgrade::arm() {
    trace_ = os::trace_path(path_);
    subscribe();
    auto again = os::trace_path(path_);
    if (again.steps != trace_.steps || again.version != trace_.version) wait();
}

/// Watches just what it has to: what a watch was once wanted for is forgotten with it.
void auto_upgrade::subscribe() {
    watches_.clear();
    for (const os::path_trace::step& one : trace_.steps) {
        if (one.kind != kind_type::missing)
            watch(one.path, wanted_of(one.kind));
        else // it is waited for
            watch(one.path.substr(0, std::max<std::size_t>(one.path.rfind('/'), 1)),
                  change::arrivals);
    }
}

void auto_upgrade::watch(const std::string& path, change wanted) {
    auto begun = paths_.watch(path, wanted, [this](const os::inotify::news& what) { hear(what); });
    if (begun) return watches_.push_back(std::move(*begun));
    if (begun.error().number == ENOENT) return wait(); // it has just gone
    if (!std::exchange(complained_, true))
        owner_.log(severity::warning, "auto_upgrade: " + begun.error().message() +
                                          "; not every change of the program will be noticed");
}

void auto_upgrade::hear(const os::inotify::news& what) {
    if (what.what & change::content) changing_ = true;
    if (what.what & change::closed) changing_ = false;
    wait();
}

void auto_upgrade::wait() {
    timer_.expires_after(quiet_time);
    timer_.async_wait(
        [this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
            if (!error && !alive.expired()) look();
        });
}

void auto_upgrade::look() {
    auto before = trace_.version;
    arm();
    bool replaced = !before || !trace_.version || before->inode != trace_.version->inode ||
                    before->device != trace_.version->device;
    if (replaced) changing_ = false; // whoever writes has the old one open
    if (!trace_.version || trace_.version == version_ || changing_) return;
    version_ = trace_.version;
    owner_.log(severity::info, "the program " + path_ + " has changed; upgrading");
    owner_.changed();
}

} // namespace einhyrningsins::master
