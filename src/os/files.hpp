// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <cstddef>
#include <string>

namespace einhyrningsins::os {

/// What is in a plain file, which has at most `most` bytes. The error names the file.
result<std::string> read_file(const std::string& path, std::size_t most);

/// $TMPDIR, or /tmp.
std::string temporary_directory();

/// A file that is locked with flock(2) for as long as this lives, and removed at its end.
class lock_file {
  public:
    /// The error says so if another process has the lock. The path must name nothing, or a file of
    /// ours: no link is followed, and nobody else's file is touched.
    static result<lock_file> acquire(const std::string& path);

    /// Has it from another master: `fd` is the file at `path`, locked.
    static lock_file adopt(std::string path, unique_fd fd) {
        return {std::move(path), std::move(fd)};
    }
    const std::string& path() const { return path_; }
    int fd() const { return fd_.get(); }

    lock_file(lock_file&&) = default;
    lock_file& operator=(lock_file&&) = default;
    ~lock_file();

  private:
    lock_file(std::string path, unique_fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

    std::string path_;
    unique_fd fd_;
};

/// A file with this process' pid in it, removed at its end if it is still the one we wrote.
class pid_file {
  public:
    /// Replaces an older one of ours in one step: a reader never sees half a number. Links and
    /// files of other users are not touched.
    static result<pid_file> write(const std::string& path);

    /// Has it from another master of the same pid: `fd` is the file at `path`.
    static pid_file adopt(std::string path, unique_fd fd) {
        return {std::move(path), std::move(fd)};
    }
    const std::string& path() const { return path_; }
    int fd() const { return fd_.get(); }

    pid_file(pid_file&&) = default;
    pid_file& operator=(pid_file&&) = default;
    ~pid_file();

  private:
    pid_file(std::string path, unique_fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

    std::string path_;
    unique_fd fd_; ///< kept open, so that its inode is not used for another file
};

} // namespace einhyrningsins::os
