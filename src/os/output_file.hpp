// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace einhyrningsins::os {

/// A plain file that output is written to at its end. Not O_APPEND, which splice(2) refuses: the
/// caller says where.
class output_file {
  public:
    /// Opens or creates (mode 0640) the file. No link is followed as its last component, and
    /// nothing but a plain file is taken; in a directory that others may write to, only a file of
    /// our own with one name.
    static result<output_file> open(const std::string& path);

    /// Has it from another master.
    static output_file adopt(unique_fd fd) { return output_file(std::move(fd)); }

    int fd() const { return fd_.get(); }

    /// Its size; nothing if it has no name any more.
    std::optional<std::uint64_t> size() const;
    /// Whether `path` names this very file.
    bool is_at(const std::string& path) const;
    /// When it was made, or last written where the file system does not know.
    std::chrono::sys_seconds born() const;
    /// The byte at `offset`; -1 if there is none.
    int byte_at(std::uint64_t offset) const;

    /// How many bytes were written at `offset`, or a negative errno.
    ssize_t write(std::string_view text, std::uint64_t offset) const;
    /// The same with up to `most` bytes out of a pipe, which are not looked at.
    ssize_t write_from(int pipe, std::size_t most, std::uint64_t offset) const;

  private:
    explicit output_file(unique_fd fd) : fd_(std::move(fd)) {}

    unique_fd fd_;
};

/// lstat(2): whether anything has that name.
bool is_there(const std::string& path);
/// rename(2), which replaces `to`.
result<void> rename_file(const std::string& from, const std::string& to);
/// unlink(2).
result<void> remove_file(const std::string& path);
/// The names in a directory that begin with `prefix`, in no order.
result<std::vector<std::string>> names_beginning(const std::string& directory,
                                                 std::string_view prefix);

} // namespace einhyrningsins::os
