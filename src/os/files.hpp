// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <chrono>
#include <cstddef>
#include <string>

namespace einhyrningsins::os {

/// Reads a regular file of at most `most` bytes. The error names the file.
result<std::string> read_file(const std::string& path, std::size_t most);

/// $TMPDIR, or /tmp.
std::string temporary_directory();

/// A file that is locked with flock(2) during the lifetime of this object, and then removed.
class lock_file {
  public:
    /// Goes on with `held`, the locked file at `path` that the program before this one has opened
    /// in the same process. Without one, locks the file and writes the pid of this process to it.
    /// If another process holds the lock, waits up to `patience`, since that process may be
    /// exiting. The error names the holder of the lock or the owner of the file: links and files of
    /// other users are never opened. It has a number if the system refuses; then a file that was
    /// created for this is removed again.
    static result<lock_file> acquire(const std::string& path,
                                     std::chrono::milliseconds patience = {}, unique_fd held = {});
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

/// A file that contains the pid of this process. The destructor removes it unless it was replaced.
class pid_file {
  public:
    /// Goes on with `earlier`, the file at `path` that the program before this one has written in
    /// the same process. Without one, atomically replaces an older file of this user: a reader
    /// never sees part of a number. Links and files of other users are not touched.
    static result<pid_file> write(const std::string& path, unique_fd earlier = {});
    const std::string& path() const { return path_; }
    int fd() const { return fd_.get(); }

    pid_file(pid_file&&) = default;
    pid_file& operator=(pid_file&&) = default;
    ~pid_file();

  private:
    pid_file(std::string path, unique_fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

    std::string path_;
    unique_fd fd_; ///< kept open so that its inode number is not reused
};

} // namespace einhyrningsins::os
