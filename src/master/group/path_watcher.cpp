// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/path_watcher.hpp"

#include <utility>

namespace einhyrningsins::master {

path_watcher::subscription::subscription(subscription&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)),
      id_(other.id_) {}

path_watcher::subscription& path_watcher::subscription::operator=(subscription&& other) noexcept {
    std::swap(owner_, other.owner_);
    std::swap(id_, other.id_);
    return *this;
}

path_watcher::subscription::~subscription() {
    if (owner_) owner_->end(id_);
}

path_watcher::path_watcher(boost::asio::io_context& context)
    : news_(context, [this] { take_news(); }) {}

os::result<void> path_watcher::open() {
    if (inotify_) return {};
    auto opened = os::inotify::open();
    if (!opened) return opened.error();
    if (auto watched = news_.watch(opened->fd()); !watched) return watched.error();
    inotify_ = std::move(*opened);
    return {};
}

os::result<path_watcher::subscription> path_watcher::watch(const std::string& path,
                                                           os::change wanted, handler hear) {
    if (auto opened = open(); !opened) return opened.error();
    auto watch = inotify_->add(path, wanted);
    if (!watch) return watch.error();
    std::uint64_t id = ++last_id_;
    listeners_.emplace(id, listener{*watch, wanted, std::move(hear)});
    by_watch_.emplace(*watch, id);
    return subscription(this, id);
}

void path_watcher::end(std::uint64_t id) {
    auto found = listeners_.find(id);
    if (found == listeners_.end()) return;
    int watch = found->second.watch;
    listeners_.erase(found);
    auto [first, last] = by_watch_.equal_range(watch);
    while (first != last && first->second != id)
        ++first;
    if (first != last) by_watch_.erase(first);
    if (!by_watch_.contains(watch)) inotify_->remove(watch);
}

void path_watcher::take_news() {
    for (const os::inotify::news& what : inotify_->read())
        tell(what);
}

/// Whoever hears it may begin and end subscriptions, his own included.
void path_watcher::tell(const os::inotify::news& what) {
    std::vector<std::uint64_t> those;
    if (what.watch < 0) {
        for (const auto& [id, one] : listeners_)
            those.push_back(id);
    } else {
        auto [first, last] = by_watch_.equal_range(what.watch);
        for (; first != last; ++first)
            those.push_back(first->second);
    }
    for (std::uint64_t id : those) {
        auto found = listeners_.find(id);
        if (found == listeners_.end()) continue;
        bool concerned = what.watch < 0 || (what.what & (found->second.wanted | os::change::lost));
        if (!concerned) continue;
        handler hear = found->second.hear;
        hear(what);
    }
}

} // namespace einhyrningsins::master
