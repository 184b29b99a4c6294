// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace einhyrningsins::os {

/// Changes of a file or a directory.
enum class change : unsigned {
    content = 1,     ///< file: it was written to
    closed = 2,      ///< file: it was closed after being open for writing
    attributes = 4,  ///< file: its mode, times or link count changed
    moved = 8,       ///< it was renamed or removed
    arrivals = 16,   ///< directory: a name was added
    departures = 32, ///< directory: a name was removed
    lost = 64        ///< the watch has ended: the file is gone
};

constexpr change operator|(change a, change b) {
    return static_cast<change>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool operator&(change a, change b) {
    return (static_cast<unsigned>(a) & static_cast<unsigned>(b)) != 0;
}

/// inotify(7): one instance with many watches, since instances are scarce.
class inotify {
  public:
    struct news {
        int watch = -1; ///< -1: some events were lost, anything may have changed
        change what{};
        std::string name; ///< the entry of a directory; empty: the watched file or directory itself
    };

    static result<inotify> open();

    /// Becomes readable when there are events. Non-blocking.
    int fd() const { return fd_.get(); }

    /// Watches `path` for `wanted` in addition to the changes it was watched for before. A link at
    /// its end is not followed. Returns the watch, which is the same for the same file.
    result<int> add(const std::string& path, change wanted) const;
    void remove(int watch) const;

    /// Reads some events; empty: there are none at present.
    std::vector<news> read() const;

  private:
    unique_fd fd_;
};

} // namespace einhyrningsins::os
