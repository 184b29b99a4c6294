// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/descriptors.hpp"

#include "os/no_sanitizer.hpp"

#include <algorithm>
#include <cstddef>

#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

constexpr unsigned last_of_all = ~0U;

/// -1: `name` is not a number, as in "..".
NO_SANITIZER long number_in(const char* name) {
    long number = -1;
    for (; *name >= '0' && *name <= '9'; ++name)
        number = std::max(number, 0L) * 10 + (*name - '0');
    return *name == '\0' ? number : -1;
}

NO_SANITIZER void close_if_between(const char* name, unsigned first, unsigned last, int except) {
    long number = number_in(name);
    if (number >= first && number <= last && number != except) ::close(static_cast<int>(number));
}

/// Closes those listed in /proc. Returns whether the list could be read to its end.
NO_SANITIZER bool close_listed(unsigned first, unsigned last) {
    int list = ::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (list < 0) return false;
    alignas(dirent64) char entries[2048];
    long size;
    while ((size = ::syscall(SYS_getdents64, list, entries, sizeof entries)) > 0)
        for (long at = 0; at < size;) {
            auto* entry = reinterpret_cast<dirent64*>(entries + at);
            close_if_between(entry->d_name, first, last, list);
            at += entry->d_reclen;
        }
    ::close(list);
    return size == 0;
}

/// Closes all possible numbers. Descriptors above the soft limit exist if it was lowered.
NO_SANITIZER void close_each(unsigned first, unsigned last) {
    constexpr rlim_t most = 1U << 20; // the default of fs.nr_open
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    auto end = static_cast<unsigned>(std::min(limit.rlim_max, most));
    for (unsigned fd = first; fd <= last && fd < end; ++fd)
        ::close(static_cast<int>(fd));
}

} // namespace

NO_SANITIZER void close_descriptors(unsigned first, unsigned last) {
    if (::close_range(first, last, 0) == 0) return;
    if (!close_listed(first, last)) close_each(first, last);
}

NO_SANITIZER bool unshare_descriptors(unsigned highest) {
    return ::close_range(highest + 1, last_of_all, CLOSE_RANGE_UNSHARE) == 0;
}

} // namespace einhyrningsins::os
