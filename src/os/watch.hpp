// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <string>

namespace einhyrningsins::os {

/// Tells when a file may have vanished or been replaced, by inotify(7). Watches the file itself and
/// its directory only for being moved or removed, so that other traffic in a busy /tmp wakes
/// nobody.
class file_watch {
  public:
    static result<file_watch> open(const std::string& path);

    /// Watches another file as well.
    result<void> add(const std::string& path) const;

    /// Becomes readable when something has happened. Non-blocking.
    int fd() const { return fd_.get(); }
    /// Takes the news; what they mean is found out by looking at the file.
    void drain() const;

  private:
    unique_fd fd_;
};

} // namespace einhyrningsins::os
