// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/inotify.hpp"

#include <array>
#include <cstring>

#include <sys/inotify.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

struct meaning {
    change ours;
    std::uint32_t theirs;
};
constexpr std::array meanings{meaning{change::content, IN_MODIFY},
                              meaning{change::closed, IN_CLOSE_WRITE},
                              meaning{change::attributes, IN_ATTRIB},
                              meaning{change::moved, IN_MOVE_SELF | IN_DELETE_SELF},
                              meaning{change::arrivals, IN_CREATE | IN_MOVED_TO},
                              meaning{change::departures, IN_DELETE | IN_MOVED_FROM},
                              meaning{change::lost, IN_IGNORED | IN_UNMOUNT}};

std::uint32_t to_mask(change wanted) {
    std::uint32_t mask = 0;
    for (const meaning& one : meanings)
        if (wanted & one.ours) mask |= one.theirs;
    return mask & ~std::uint32_t(IN_IGNORED | IN_UNMOUNT); // always reported
}

change from_mask(std::uint32_t mask) {
    change what{};
    for (const meaning& one : meanings)
        if (mask & one.theirs) what = what | one.ours;
    return what;
}

} // namespace

result<inotify> inotify::open() {
    inotify made;
    made.fd_.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!made.fd_) return last_error("inotify");
    return made;
}

result<int> inotify::add(const std::string& path, change wanted) const {
    int watch = ::inotify_add_watch(fd_.get(), path.c_str(),
                                    to_mask(wanted) | IN_DONT_FOLLOW | IN_MASK_ADD);
    if (watch < 0) return last_error("inotify " + path);
    return watch;
}

void inotify::remove(int watch) const { ::inotify_rm_watch(fd_.get(), watch); }

std::vector<inotify::news> inotify::read() const {
    alignas(inotify_event) char buffer[16384];
    std::vector<news> all;
    ssize_t size = ::read(fd_.get(), buffer, sizeof buffer);
    for (ssize_t at = 0; at < size;) {
        inotify_event head;
        std::memcpy(&head, buffer + at, sizeof head);
        const char* name = buffer + at + sizeof head;
        all.push_back({head.mask & IN_Q_OVERFLOW ? -1 : head.wd, from_mask(head.mask),
                       head.len > 0 ? name : ""});
        at += static_cast<ssize_t>(sizeof head + head.len);
    }
    return all;
}

} // namespace einhyrningsins::os
