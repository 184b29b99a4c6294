// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/auto_upgrade.hpp"

#include "master/group/worker_recipe.hpp"
#include "os/own_process.hpp"

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

std::string parent_of(const std::string& path) {
    return path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
}

} // namespace

auto_upgrade::auto_upgrade(const group_context& of, upgrade_requests& upgrades,
                           const handoff::group& from)
    : of_(of),
      upgrades_(upgrades),
      is_on_(from.program.has_value()),
      followed_(from.program.value_or(handoff::followed_program{})),
      quiet_(of.loop, [this] { look(); }) {
    if (followed_.path.empty()) return;
    arm();
    if (trace_.version != followed_.version) wait(); // changes were going on
}

void auto_upgrade::open() {
    if (!of_.settings.auto_upgrade) return end();
    if (!std::exchange(is_on_, true) && of_.group.can_upgrade()) begin_generation();
}

void auto_upgrade::end() {
    is_on_ = false;
    quiet_.cancel();
    watches_.clear();
    followed_ = {};
    trace_ = {};
}

void auto_upgrade::begin_generation() {
    if (!is_on_) return;
    auto found = find_program(of_.settings, of_.around);
    const std::string& path = found ? *found : of_.settings.command[0];
    if (path.find('/') == std::string::npos) return;
    followed_.path = os::absolute_path(path, directory_of(of_.settings, of_.around));
    followed_.changing = false;
    arm();
    followed_.version = trace_.version;
}

void auto_upgrade::hand_over(handoff::group& into) const {
    if (is_on_) into.program = followed_;
}

/// Begins to watch what the path leads through now. What changes meanwhile is looked at again.
void auto_upgrade::arm() {
    trace_ = os::trace_path(followed_.path);
    subscribe();
    auto again = os::trace_path(followed_.path);
    if (again.steps != trace_.steps || again.version != trace_.version) wait();
}

/// Watches just what it has to: what a watch was once wanted for is forgotten with it.
void auto_upgrade::subscribe() {
    watches_.clear();
    std::optional<os::os_error> refused;
    for (const os::path_trace::step& step : trace_.steps) {
        auto begun = step.kind != kind_type::missing
                         ? watch(step.path, wanted_of(step.kind))
                         : watch(parent_of(step.path), change::arrivals);
        if (!begun) refused = begun.error();
    }
    bool is_known = std::exchange(complained_, refused.has_value());
    if (refused && !is_known)
        of_.log(severity::warning, "auto_upgrade: " + refused->message() +
                                       "; not every change of the program will be noticed");
}

os::result<void> auto_upgrade::watch(const std::string& path, change wanted) {
    auto begun = of_.around.paths->watch(path, wanted,
                                         [this](const os::inotify::news& what) { hear(what); });
    if (begun)
        watches_.push_back(std::move(*begun));
    else if (begun.error().number == ENOENT)
        wait(); // it has just gone
    else
        return begun.error();
    return {};
}

void auto_upgrade::hear(const os::inotify::news& what) {
    if (what.what & change::content) followed_.changing = true;
    if (what.what & change::closed) followed_.changing = false;
    wait();
}

void auto_upgrade::wait() { quiet_.after(quiet_time); }

void auto_upgrade::look() {
    auto before = trace_.version;
    arm();
    bool replaced = !before || !trace_.version || before->inode != trace_.version->inode ||
                    before->device != trace_.version->device;
    if (replaced) followed_.changing = false; // whoever writes has the old one open
    if (!trace_.version || trace_.version == followed_.version || followed_.changing) return;
    followed_.version = trace_.version;
    of_.log(severity::info, "the program " + followed_.path + " has changed; upgrading");
    if (of_.group.can_upgrade()) upgrades_.request({core::upgrade_mode::rolling, {}});
}

} // namespace einhyrningsins::master
