// SPDX-License-Identifier: GPL-3.0-or-later
#include "world/kernel/inotify.hpp"

#include <cstring>
#include <utility>

#include <sys/inotify.h>

namespace einhyrningsins::world {

int inotify_file::add(const inode_ptr& node, std::uint32_t mask) {
    for (auto& [number, one] : watches_)
        if (one.node == node) {
            one.mask = mask & IN_MASK_ADD ? one.mask | mask : mask;
            return number;
        }
    watches_[++last_] = {node, mask};
    return last_;
}

int inotify_file::remove(int watch) {
    if (!watches_.erase(watch)) return -EINVAL;
    tell({watch, IN_IGNORED, ""});
    return 0;
}

/// The same news twice in a row is told once.
void inotify_file::tell(event one) {
    if (!news_.empty() && news_.back().watch == one.watch && news_.back().what == one.what &&
        news_.back().name == one.name)
        return;
    news_.push_back(std::move(one));
    ++arrivals_;
}

void inotify_file::notice(const inode& changed, std::uint32_t what, const std::string& name) {
    auto all = watches_; // IN_IGNORED removes one
    for (const auto& [number, one] : all) {
        if (one.node.get() != &changed || !(one.mask & what)) continue;
        tell({number, what, name});
    }
    if (what != IN_DELETE_SELF) return;
    for (const auto& [number, one] : all)
        if (one.node.get() == &changed) remove(number);
}

ssize_t inotify_file::read(std::span<char> into) {
    std::size_t size = 0;
    while (!news_.empty()) {
        const event& next = news_.front();
        std::size_t room = next.name.empty() ? 0 : (next.name.size() / 16 + 1) * 16;
        inotify_event head{.wd = next.watch, .mask = next.what, .len = static_cast<unsigned>(room)};
        if (into.size() < size + sizeof head + room) break;
        std::memcpy(into.data() + size, &head, sizeof head);
        std::memset(into.data() + size + sizeof head, 0, room);
        next.name.copy(into.data() + size + sizeof head, room);
        size += sizeof head + room;
        news_.pop_front();
    }
    return size > 0 ? static_cast<ssize_t>(size) : -EAGAIN;
}

} // namespace einhyrningsins::world
