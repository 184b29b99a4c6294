// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/guarded_directory.hpp"
#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace einhyrningsins::os {

/// A regular file to which output is appended. The caller passes the offset, since splice(2)
/// refuses O_APPEND.
class output_file {
  public:
    /// Opens the file or creates it with mode 0640, in a directory reached as by guarded_directory.
    /// It must be a regular file, and the last component must not be a link. In a foreign directory
    /// it must have a single link and belong to our user or to the owner of the directory.
    static result<output_file> open(const std::string& path);

    /// A file that open() has opened, here or in the program before this one.
    explicit output_file(unique_fd fd) : fd_(std::move(fd)) {}

    int fd() const { return fd_.get(); }

    /// Its size in bytes; nothing: the file has been removed.
    std::optional<std::uint64_t> size() const;
    /// Whether `path` names this file, without links that guarded_directory does not follow.
    bool is_at(const std::string& path) const;
    /// The same for the path by which `directory` was found.
    bool is_in(const guarded_directory& directory) const;
    /// The number of the device that it is on, see stat(2); 0 if it cannot be found out.
    std::uint64_t device() const;
    /// When it was created, or last written if the file system does not record that.
    std::chrono::sys_seconds born() const;
    /// The byte at `offset`; -1 if there is none.
    int byte_at(std::uint64_t offset) const;

    /// Writes at `offset`. Returns the number of bytes, or a negative errno.
    ssize_t write(std::string_view text, std::uint64_t offset) const;
    /// Moves up to `most` bytes from a pipe to the file without copying them to user space.
    ssize_t write_from(int pipe, std::size_t most, std::uint64_t offset) const;

  private:
    unique_fd fd_;
};

} // namespace einhyrningsins::os
