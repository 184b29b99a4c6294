// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/files.hpp"

#include "os/exec.hpp"

#include <cstdlib>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

/// Whether `path` names, without a link, the file that is open as `fd`.
bool names(const std::string& path, int fd) {
    struct stat named {
    }, opened{};
    return ::lstat(path.c_str(), &named) == 0 && ::fstat(fd, &opened) == 0 &&
           named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

void remove_if_ours(const std::string& path, int fd) {
    if (fd >= 0 && names(path, fd)) ::unlink(path.c_str());
}

/// A plain file of our own with one name: anything else may be somebody's trap in a shared
/// directory.
result<void> check_ours(const std::string& path, const struct stat& facts) {
    if (!S_ISREG(facts.st_mode)) return os_error{path + " is no plain file; it is left alone"};
    if (facts.st_uid != ::geteuid())
        return os_error{path + " belongs to another user; it is left alone"};
    if (facts.st_nlink > 1) return os_error{path + " has several names; it is left alone"};
    return {};
}

result<unique_fd> open_lock(const std::string& path) {
    unique_fd fd(
        ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
    if (!fd && errno == ELOOP) return os_error{path + " is a symbolic link; it is left alone"};
    if (!fd) return last_error(path);
    struct stat facts {};
    if (::fstat(fd.get(), &facts) != 0) return last_error(path);
    if (auto ours = check_ours(path, facts); !ours) return ours.error();
    return fd;
}

result<void> write_all(int fd, const std::string& text) {
    ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0) return last_error("write");
    if (static_cast<std::size_t>(written) < text.size()) return os_error{"write", ENOSPC};
    return {};
}

} // namespace

std::string temporary_directory() {
    const char* wish = std::getenv("TMPDIR");
    return wish && *wish ? wish : "/tmp";
}

result<std::string> read_file(const std::string& path, std::size_t most) {
    unique_fd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    struct stat facts {};
    if (!fd || ::fstat(fd.get(), &facts) != 0) return last_error(path);
    // Of a pipe nobody knows when it ends.
    if (!S_ISREG(facts.st_mode)) return os_error{path + " is no plain file"};
    auto text = read_to_end(fd.get(), most);
    if (!text) return os_error{path + ": " + text.error().message()};
    return text;
}

result<lock_file> lock_file::acquire(const std::string& path) {
    // Its last owner may remove the file between our opening and our locking it.
    for (int attempt = 0; attempt < 100; ++attempt) {
        auto fd = open_lock(path);
        if (!fd && fd.error().number == ENOENT && attempt > 0) continue;
        if (!fd) return fd.error();
        if (::flock(fd->get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno == EWOULDBLOCK) return os_error{path + ": another master holds it"};
            return last_error(path);
        }
        if (names(path, fd->get())) return lock_file(path, std::move(*fd));
    }
    return os_error{path, EBUSY};
}

lock_file::~lock_file() { remove_if_ours(path_, fd_.get()); }

result<pid_file> pid_file::write(const std::string& path) {
    struct stat there {};
    if (::lstat(path.c_str(), &there) == 0)
        if (auto ours = check_ours(path, there); !ours) return ours.error();
    std::string fresh = path + ".XXXXXX";
    unique_fd fd(::mkostemp(fresh.data(), O_CLOEXEC));
    if (!fd) return last_error(path);
    auto written = write_all(fd.get(), std::to_string(::getpid()) + "\n");
    if (written && ::fchmod(fd.get(), 0644) != 0) written = last_error("change of mode");
    if (written && ::rename(fresh.c_str(), path.c_str()) != 0) written = last_error("rename");
    if (!written) {
        ::unlink(fresh.c_str());
        return os_error{path + ": " + written.error().what, written.error().number};
    }
    return pid_file(path, std::move(fd));
}

pid_file::~pid_file() { remove_if_ours(path_, fd_.get()); }

} // namespace einhyrningsins::os
