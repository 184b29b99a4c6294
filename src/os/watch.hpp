// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <string>

namespace einhyrningsins::os {

/// Reports that a file may have been removed or replaced, using inotify(7). The directory is
/// watched only for its own removal or renaming, so that other activity in a busy /tmp causes no
/// wake-ups.
class file_watch {
  public:
    static result<file_watch> open(const std::string& path);

    /// Watches another file as well.
    result<void> add(const std::string& path) const;

    /// Becomes readable when something has changed. Non-blocking.
    int fd() const { return fd_.get(); }
    /// Discards the events; the caller then examines the file.
    void drain() const;

  private:
    unique_fd fd_;
};

} // namespace einhyrningsins::os
