// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/touch_directory.hpp"

#include "os/unique_fd.hpp"

#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

/// Workers that run as other users can use their own file, but cannot list the directory.
constexpr mode_t passable = 0711;

/// The directory, held open, so that nobody can put another one in its place; -1: it is not there,
/// or not ours.
unique_fd open_ours(const std::string& path) {
    unique_fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat facts {};
    if (fd && (::fstat(fd.get(), &facts) != 0 || facts.st_uid != ::geteuid())) fd.reset();
    return fd;
}

} // namespace

result<touch_directory> touch_directory::make(const std::string& parent) {
    std::string path = parent + "/einhyrningsins-XXXXXX";
    if (!::mkdtemp(path.data())) return last_error("directory of watch files in " + parent);
    touch_directory made(std::move(path));
    if (::chmod(made.path().c_str(), passable) != 0)
        return last_error("directory of watch files in " + parent);
    return made;
}

touch_directory::touch_directory(touch_directory&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

touch_directory::~touch_directory() {
    if (path_.empty()) return;
    unique_fd directory = open_ours(path_);
    if (!directory) return;
    namespace fs = std::filesystem;
    std::error_code ignored;
    fs::directory_iterator files("/proc/self/fd/" + std::to_string(directory.get()), ignored);
    for (; files != fs::directory_iterator(); files.increment(ignored))
        fs::remove_all(files->path(), ignored); // follows no links
    ::rmdir(path_.c_str());
}

bool touch_directory::is_there() const { return static_cast<bool>(open_ours(path_)); }

std::string touch_directory::file_of(unsigned index) const {
    return path_ + "/" + std::to_string(index);
}

result<void> touch_directory::prepare(unsigned index, uid_t user) const {
    if (::mkdir(path_.c_str(), passable) == 0)
        ::chmod(path_.c_str(), passable); // regardless of the umask
    unique_fd directory = open_ours(path_);
    if (!directory) return os_error{"watch file: " + path_, ENOTDIR};
    std::string path = file_of(index), name = std::to_string(index);
    ::unlinkat(directory.get(), name.c_str(), 0);
    unique_fd file(::openat(directory.get(), name.c_str(),
                            O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return last_error("watch file " + path);
    constexpr auto same_group = static_cast<gid_t>(-1);
    if (user != ::geteuid() && ::fchown(file.get(), user, same_group) != 0)
        return last_error("watch file " + path);
    return {};
}

/// Uses the time of the last status change, which cannot be set by utimes(2).
std::optional<touch_directory::touch> touch_directory::last_touch(unsigned index) const {
    struct stat facts {};
    if (::lstat(file_of(index).c_str(), &facts) != 0) return std::nullopt;
    auto age_of_epoch = std::chrono::seconds(facts.st_ctim.tv_sec) +
                        std::chrono::nanoseconds(facts.st_ctim.tv_nsec);
    return touch{facts.st_ino, std::chrono::system_clock::time_point(age_of_epoch)};
}

} // namespace einhyrningsins::os
