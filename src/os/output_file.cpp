// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/output_file.hpp"

#include "os/low_numbers.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

/// Checks whether the file may be written to: in a foreign directory it could be a trap.
result<void> check(const guarded_directory& directory, int fd) {
    const std::string& name = directory.base();
    struct stat facts {};
    if (::fstat(fd, &facts) != 0) return last_error(directory.path_of(name));
    if (!S_ISREG(facts.st_mode))
        return os_error{directory.path_of(name) + " is not a regular file; it is left alone"};
    if (directory.is_foreign() && facts.st_nlink > 1)
        return os_error{directory.path_of(name) + " has several hard links, and " +
                        directory.stranger() +
                        " can create files in its directory; it is left alone: remove it"};
    return directory.check_owner(name, facts);
}

} // namespace

result<output_file> output_file::open(const std::string& path) {
    auto directory = guarded_directory::of(path);
    if (!directory) return directory.error();
    unique_fd fd =
        directory->open(directory->base(), O_RDWR | O_CREAT | O_NONBLOCK | O_NOCTTY, 0640);
    if (!fd && errno == ELOOP)
        return os_error{path +
                        " is a symbolic link; it is left alone: use the path that it leads to"};
    if (!fd) return last_error(path);
    if (auto good = check(*directory, fd.get()); !good) return good.error();
    leave_low_numbers(fd);
    return output_file(std::move(fd));
}

std::optional<std::uint64_t> output_file::size() const {
    struct stat facts {};
    if (::fstat(fd_.get(), &facts) != 0 || facts.st_nlink == 0) return std::nullopt;
    return static_cast<std::uint64_t>(facts.st_size);
}

bool output_file::is_at(const std::string& path) const {
    auto directory = guarded_directory::of(path);
    return directory && is_in(*directory);
}

bool output_file::is_in(const guarded_directory& directory) const {
    struct stat facts {};
    return ::fstat(fd_.get(), &facts) == 0 && directory.holds(directory.base(), facts);
}

std::uint64_t output_file::device() const {
    struct stat facts {};
    return ::fstat(fd_.get(), &facts) == 0 ? facts.st_dev : 0;
}

std::chrono::sys_seconds output_file::born() const {
    struct statx facts {};
    struct stat older {};
    std::int64_t seconds = 0;
    if (::statx(fd_.get(), "", AT_EMPTY_PATH, STATX_BTIME | STATX_MTIME, &facts) == 0)
        seconds = facts.stx_mask & STATX_BTIME ? facts.stx_btime.tv_sec : facts.stx_mtime.tv_sec;
    else if (::fstat(fd_.get(), &older) == 0) // a seccomp profile denies statx
        seconds = older.st_mtim.tv_sec;
    return std::chrono::sys_seconds(std::chrono::seconds(seconds));
}

int output_file::byte_at(std::uint64_t offset) const {
    unsigned char byte = 0;
    return ::pread(fd_.get(), &byte, 1, static_cast<off_t>(offset)) == 1 ? byte : -1;
}

ssize_t output_file::write(std::string_view text, std::uint64_t offset) const {
    ssize_t written;
    do
        written = ::pwrite(fd_.get(), text.data(), text.size(), static_cast<off_t>(offset));
    while (written < 0 && errno == EINTR);
    return written < 0 ? -errno : written;
}

ssize_t output_file::write_from(int pipe, std::size_t most, std::uint64_t offset) const {
    off_t at = static_cast<off_t>(offset);
    ssize_t written;
    do
        written = ::splice(pipe, nullptr, fd_.get(), &at, most, SPLICE_F_MOVE);
    while (written < 0 && errno == EINTR);
    return written < 0 ? -errno : written;
}

} // namespace einhyrningsins::os
