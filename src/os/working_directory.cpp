// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/working_directory.hpp"

#include <climits>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

/// The same directory may be mounted in several places, which differ in their paths.
struct place {
    std::string path; ///< as the kernel has it
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const place&) const = default;
};

/// Nothing: the system does not tell.
std::optional<place> place_of(int fd) {
    char path[PATH_MAX];
    ssize_t size = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path, sizeof path);
    struct stat facts {};
    if (size < 0 || ::fstat(fd, &facts) != 0) return std::nullopt;
    return place{{path, static_cast<std::size_t>(size)}, facts.st_dev, facts.st_ino};
}

struct known_directory {
    std::optional<place> where;
    std::weak_ptr<const unique_fd> open;
};

std::vector<known_directory>& known_directories() {
    static std::vector<known_directory> all;
    std::erase_if(all, [](const known_directory& one) { return one.open.expired(); });
    return all;
}

working_directory add(std::optional<place> where, unique_fd fd) {
    auto fresh = std::make_shared<const unique_fd>(std::move(fd));
    known_directories().push_back({std::move(where), fresh});
    return fresh;
}

} // namespace

result<working_directory> open_directory(const std::string& path) {
    unique_fd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return last_error("working directory " + path);
    auto where = place_of(fd.get());
    for (const known_directory& one : known_directories())
        if (where && where == one.where) return one.open.lock();
    return add(std::move(where), std::move(fd));
}

working_directory adopt_directory(int fd) {
    if (fd < 0) return nullptr;
    for (const known_directory& one : known_directories())
        if (auto open = one.open.lock(); open->get() == fd) return open;
    return add(place_of(fd), unique_fd(fd));
}

} // namespace einhyrningsins::os
