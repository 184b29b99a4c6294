// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

namespace einhyrningsins::os {

result<file_watch> file_watch::open(const std::string& path) {
    file_watch watch;
    watch.fd_.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!watch.fd_) return last_error("inotify");
    if (auto added = watch.add(path); !added) return added.error();
    return watch;
}

result<void> file_watch::add(const std::string& path) const {
    // A bound socket outlives its last name, so only the change of its link count is reported.
    constexpr auto gone = IN_DELETE_SELF | IN_MOVE_SELF;
    if (::inotify_add_watch(fd_.get(), path.c_str(), IN_ATTRIB | gone | IN_DONT_FOLLOW) < 0)
        return last_error("inotify " + path);
    std::string directory = path.substr(0, path.rfind('/') + 1);
    ::inotify_add_watch(fd_.get(), directory.c_str(), gone | IN_ONLYDIR);
    return {};
}

void file_watch::drain() const {
    alignas(inotify_event) char news[4096];
    while (::read(fd_.get(), news, sizeof news) > 0) {
    }
}

} // namespace einhyrningsins::os
