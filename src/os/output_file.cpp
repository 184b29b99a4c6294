// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/output_file.hpp"

#include "os/low_numbers.hpp"

#include <cstdio>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

/// The directory part of `path`, and the name in it.
std::pair<std::string, std::string> split(const std::string& path) {
    std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return {".", path};
    return {path.substr(0, slash + 1), path.substr(slash + 1)};
}

/// Whether it may be written to: what lies in a directory that others may write to can be a trap.
result<void> check(const std::string& path, int fd, int directory) {
    struct stat facts {
    }, around{};
    if (::fstat(fd, &facts) != 0 || ::fstat(directory, &around) != 0) return last_error(path);
    if (!S_ISREG(facts.st_mode)) return os_error{path + " is no plain file; it is left alone"};
    if (!(around.st_mode & S_IWOTH)) return {};
    if (facts.st_uid != ::geteuid())
        return os_error{path + " belongs to another user; it is left alone"};
    if (facts.st_nlink > 1) return os_error{path + " has several names; it is left alone"};
    return {};
}

} // namespace

result<output_file> output_file::open(const std::string& path) {
    auto [folder, name] = split(path);
    unique_fd directory(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return last_error(path + ": its directory");
    constexpr int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    unique_fd fd(::openat(directory.get(), name.c_str(), flags, 0640));
    if (!fd && errno == ELOOP) return os_error{path + " is a symbolic link; it is left alone"};
    if (!fd) return last_error(path);
    if (auto good = check(path, fd.get(), directory.get()); !good) return good.error();
    leave_low_numbers(fd);
    return output_file(std::move(fd));
}

std::optional<std::uint64_t> output_file::size() const {
    struct stat facts {};
    if (::fstat(fd_.get(), &facts) != 0 || facts.st_nlink == 0) return std::nullopt;
    return static_cast<std::uint64_t>(facts.st_size);
}

bool output_file::is_at(const std::string& path) const {
    struct stat named {
    }, opened{};
    return ::lstat(path.c_str(), &named) == 0 && ::fstat(fd_.get(), &opened) == 0 &&
           named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

std::chrono::sys_seconds output_file::born() const {
    struct statx facts {};
    std::int64_t seconds = 0;
    if (::statx(fd_.get(), "", AT_EMPTY_PATH, STATX_BTIME | STATX_MTIME, &facts) == 0)
        seconds = facts.stx_mask & STATX_BTIME ? facts.stx_btime.tv_sec : facts.stx_mtime.tv_sec;
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

bool is_there(const std::string& path) {
    struct stat ignored {};
    return ::lstat(path.c_str(), &ignored) == 0;
}

result<void> rename_file(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) return last_error(from + " to " + to);
    return {};
}

result<void> remove_file(const std::string& path) {
    if (::unlink(path.c_str()) != 0) return last_error(path);
    return {};
}

result<std::vector<std::string>> names_beginning(const std::string& directory,
                                                 std::string_view prefix) {
    std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(directory.c_str()), ::closedir);
    if (!open) return last_error(directory);
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(open.get()))
        if (std::string_view(entry->d_name).starts_with(prefix)) names.emplace_back(entry->d_name);
    return names;
}

} // namespace einhyrningsins::os
