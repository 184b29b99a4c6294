// SPDX-License-Identifier: GPL-3.0-or-later
#include "world/kernel/epoll.hpp"

#include <algorithm>
#include <iterator>

namespace einhyrningsins::world {

/// The values of EPOLLIN and POLLIN are the same, and so are the others that are used here.
unsigned epoll_file::ready(const registration& one) {
    auto watched = one.watched.lock();
    if (!watched) return 0;
    unsigned found = watched->events() & (one.wanted.events | EPOLLERR | EPOLLHUP);
    bool is_new = one.is_armed || watched->edges(one.wanted.events) != one.told;
    return (one.wanted.events & EPOLLET) && !is_new ? 0 : found;
}

bool epoll_file::has_news() const {
    return std::ranges::any_of(all_, [](const auto& one) { return ready(one.second) != 0; });
}

unsigned epoll_file::events() const { return has_news() ? POLLIN : 0; }

std::uint64_t epoll_file::edges(unsigned) const {
    std::uint64_t sum = 0;
    for (const auto& [ignored, one] : all_)
        if (auto watched = one.watched.lock()) sum += watched->edges(one.wanted.events);
    return sum;
}

int epoll_file::add(int fd, const file_ptr& watched, const epoll_event& wanted) {
    if (!watched->can_be_watched()) return -EPERM;
    std::erase_if(all_, [](const auto& one) { return one.second.watched.expired(); });
    bool added = all_.try_emplace({fd, watched.get()}, registration{watched, wanted}).second;
    return added ? 0 : -EEXIST;
}

int epoll_file::change(int fd, const file_ptr& watched, const epoll_event& wanted) {
    auto found = all_.find({fd, watched.get()});
    if (found == all_.end()) return -ENOENT;
    found->second.wanted = wanted;
    found->second.is_armed = true;
    return 0;
}

int epoll_file::remove(int fd, const file_ptr& watched) {
    return all_.erase({fd, watched.get()}) ? 0 : -ENOENT;
}

int epoll_file::collect(std::span<epoll_event> into) {
    std::size_t count = 0, size = all_.size();
    std::size_t first = size ? first_++ % size : 0;
    for (std::size_t n = 0; n < size && count < into.size(); ++n) {
        auto at = std::next(all_.begin(), static_cast<std::ptrdiff_t>((first + n) % size));
        unsigned found = ready(at->second);
        if (!found) continue;
        into[count] = at->second.wanted;
        into[count++].events = found;
        at->second.told = at->second.watched.lock()->edges(at->second.wanted.events);
        at->second.is_armed = false;
    }
    return static_cast<int>(count);
}

} // namespace einhyrningsins::world
