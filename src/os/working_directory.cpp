// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/working_directory.hpp"

#include <algorithm>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>

namespace einhyrningsins::os {
namespace {

/// The path belongs to it: the same directory may be mounted in two places.
struct known_directory {
    std::string path; ///< empty: not known
    dev_t device = 0;
    ino_t inode = 0;
    std::weak_ptr<const unique_fd> open;
};

std::vector<known_directory>& known_directories() {
    static std::vector<known_directory> all;
    std::erase_if(all, [](const known_directory& one) { return one.open.expired(); });
    return all;
}

} // namespace

result<working_directory> open_directory(const std::string& path) {
    unique_fd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    struct stat facts {};
    if (!fd || ::fstat(fd.get(), &facts) != 0) return last_error("working directory " + path);
    auto& all = known_directories();
    auto same = std::ranges::find_if(all, [&](const known_directory& one) {
        return one.path == path && one.device == facts.st_dev && one.inode == facts.st_ino;
    });
    if (same != all.end()) return same->open.lock();
    auto fresh = std::make_shared<const unique_fd>(std::move(fd));
    all.push_back({path, facts.st_dev, facts.st_ino, fresh});
    return fresh;
}

working_directory adopt_directory(int fd) {
    if (fd < 0) return nullptr;
    for (const known_directory& one : known_directories())
        if (auto open = one.open.lock(); open->get() == fd) return open;
    auto fresh = std::make_shared<const unique_fd>(fd);
    known_directories().push_back({.open = fresh});
    return fresh;
}

} // namespace einhyrningsins::os
