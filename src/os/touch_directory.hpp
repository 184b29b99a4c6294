// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

namespace einhyrningsins::os {

/// A private directory with a file for each worker, which the worker touches as a sign of life. The
/// destructor removes it.
class touch_directory {
  public:
    /// Creates a directory with a unique name below `parent`.
    static result<touch_directory> make(const std::string& parent);
    /// Takes over a directory that exists.
    explicit touch_directory(std::string path) : path_(std::move(path)) {}

    touch_directory(touch_directory&& other) noexcept;
    touch_directory& operator=(touch_directory&&) = delete;
    ~touch_directory();

    const std::string& path() const { return path_; }

    /// Creates the empty file of the worker with that index, writable only by `user`. Creates the
    /// directory again if it was removed.
    result<void> prepare(unsigned index, uid_t user) const;

    /// Identifies the last change of a file: it was written, touched, replaced, or its mode
    /// changed.
    struct touch {
        std::uint64_t inode = 0;
        std::chrono::system_clock::time_point at;
        bool operator==(const touch&) const = default;
    };
    /// The last change of the file of the worker with that index; nothing: there is no file.
    std::optional<touch> last_touch(unsigned index) const;
    /// Whether the directory exists and belongs to this user.
    bool is_there() const;

  private:
    std::string file_of(unsigned index) const;
    std::string path_; ///< empty: this object was moved from
};

} // namespace einhyrningsins::os
