// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/files.hpp"

#include "os/credentials.hpp"
#include "os/exec.hpp"
#include "os/guarded_directory.hpp"

#include <charconv>
#include <cstdlib>
#include <optional>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

/// Whether the directory has the file that is open as `fd` under its name.
bool holds(const guarded_directory& directory, int fd) {
    struct stat opened {};
    return ::fstat(fd, &opened) == 0 && directory.holds(directory.base(), opened);
}

/// Whatever the path leads to by now: nothing but the file itself is removed.
void remove_if_ours(const std::string& path, int fd) {
    struct stat opened {};
    if (fd < 0 || ::fstat(fd, &opened) != 0) return;
    if (auto directory = guarded_directory::of(path)) directory->remove_file(opened);
}

/// "user alice" or "user 1234".
std::string name_of(uid_t user) {
    auto known = find_account(user);
    return "user " + (known && *known ? (*known)->name : std::to_string(user));
}

/// Accepts only a regular file of this user with a single link: in a shared directory, anything
/// else may be a trap.
result<void> check_ours(const std::string& path, const struct stat& facts) {
    bool is_ours = facts.st_uid == ::geteuid();
    if (S_ISLNK(facts.st_mode))
        return os_error{path + " is a symbolic link" +
                        (is_ours ? "" : " of " + name_of(facts.st_uid)) + "; it is left alone"};
    if (!S_ISREG(facts.st_mode)) return os_error{path + " is not a regular file; it is left alone"};
    if (!is_ours)
        return os_error{path + " belongs to " + name_of(facts.st_uid) + "; it is left alone"};
    if (facts.st_nlink > 1) return os_error{path + " has several hard links; it is left alone"};
    return {};
}

/// Why a file could not be opened. In a directory that everybody can write to, even root may not
/// open files of other users, see fs.protected_regular in proc(5).
os_error why_not_opened(const std::string& path) {
    os_error why = last_error(path);
    struct stat facts {};
    if ((why.number != EACCES && why.number != ELOOP) || ::lstat(path.c_str(), &facts) != 0)
        return why;
    auto ours = check_ours(path, facts);
    return ours ? why : ours.error();
}

struct opened_lock {
    unique_fd fd;
    bool is_new = false; ///< there was no such file
};

result<opened_lock> open_lock(const guarded_directory& directory, const std::string& path) {
    constexpr int flags = O_RDWR | O_NONBLOCK;
    opened_lock lock{directory.open(directory.base(), flags | O_CREAT | O_EXCL, 0600), true};
    if (!lock.fd && errno == EEXIST) lock = {directory.open(directory.base(), flags, 0)};
    if (!lock.fd) return why_not_opened(path);
    struct stat facts {};
    if (::fstat(lock.fd.get(), &facts) != 0) return last_error(path);
    if (auto ours = check_ours(path, facts); !ours) return ours.error();
    return lock;
}

/// After flock(2) has failed for another reason than a holder.
os_error not_lockable(const std::string& path, const opened_lock& lock) {
    os_error why = last_error(path + " cannot be locked");
    if (lock.is_new) remove_if_ours(path, lock.fd.get());
    return why;
}

/// The pid in a lock file; nothing: it is empty or contains something else.
std::optional<pid_t> pid_in(int fd) {
    char text[16];
    ssize_t size = ::pread(fd, text, sizeof text, 0);
    pid_t pid = 0;
    if (size <= 0) return std::nullopt;
    auto [end, error] = std::from_chars(text, text + size, pid);
    bool whole = error == std::errc() && end + 1 == text + size && *end == '\n';
    return whole && pid > 0 ? std::optional(pid) : std::nullopt;
}

/// Tells others who holds the lock. A failure does no harm.
void write_pid(int fd) {
    struct stat facts {};
    bool may = ::fstat(fd, &facts) == 0 && (facts.st_size == 0 || pid_in(fd));
    std::string text = std::to_string(::getpid()) + "\n";
    if (may && ::pwrite(fd, text.data(), text.size(), 0) >= 0 &&
        ::ftruncate(fd, static_cast<off_t>(text.size())) != 0)
        return;
}

os_error held_by(const std::string& path, int fd) {
    auto holder = pid_in(fd);
    return os_error{path + ": another master" +
                    (holder ? ", process " + std::to_string(*holder) + "," : "") + " holds it"};
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
    // A pipe may never end.
    if (!S_ISREG(facts.st_mode)) return os_error{path + " is not a regular file"};
    auto text = read_to_end(fd.get(), most);
    if (!text) return os_error{path + ": " + text.error().message()};
    return text;
}

result<lock_file> lock_file::acquire(const std::string& path, std::chrono::milliseconds patience,
                                     unique_fd held) {
    if (held) return lock_file(path, std::move(held));
    auto end = std::chrono::steady_clock::now() + patience;
    // The last holder may remove the file after it was opened here and before it is locked.
    constexpr int most_races = 100;
    for (int races = 0; races < most_races;) {
        auto directory = guarded_directory::of(path);
        if (!directory) return directory.error();
        auto lock = open_lock(*directory, path);
        if (!lock && lock.error().number == ENOENT && ++races < most_races) continue;
        if (!lock) return lock.error();
        int fd = lock->fd.get();
        if (::flock(fd, LOCK_EX | LOCK_NB) == 0) {
            if (!holds(*directory, fd) && ++races) continue;
            write_pid(fd);
            return lock_file(path, std::move(lock->fd));
        }
        if (errno != EWOULDBLOCK) return not_lockable(path, *lock);
        if (std::chrono::steady_clock::now() >= end) return held_by(path, fd);
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return os_error{path, EBUSY};
}

lock_file::~lock_file() { remove_if_ours(path_, fd_.get()); }

result<pid_file> pid_file::write(const std::string& path, unique_fd earlier) {
    if (earlier) return pid_file(path, std::move(earlier));
    auto directory = guarded_directory::of(path);
    if (!directory) return directory.error();
    if (auto there = directory->status_of(directory->base()))
        if (auto ours = check_ours(path, *there); !ours) return ours.error();
    std::string fresh = directory->base() + "." + std::to_string(::getpid());
    unique_fd fd = directory->open(fresh, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (!fd) return last_error(path);
    auto written = write_all(fd.get(), std::to_string(::getpid()) + "\n");
    if (written && ::fchmod(fd.get(), 0644) != 0) written = last_error("change of mode");
    if (written) written = directory->rename(fresh, directory->base());
    if (!written) {
        (void)directory->remove(fresh);
        return os_error{path + ": " + written.error().what, written.error().number};
    }
    return pid_file(path, std::move(fd));
}

pid_file::~pid_file() { remove_if_ours(path_, fd_.get()); }

} // namespace einhyrningsins::os
