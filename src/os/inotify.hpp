// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace einhyrningsins::os {

/// What is to be told about a file or a directory.
enum class change : unsigned {
    content = 1,     ///< of a file: written to
    closed = 2,      ///< of a file: by somebody who could write to it
    attributes = 4,  ///< of a file: its mode, its time, one of its names has gone
    moved = 8,       ///< it was renamed or removed itself
    arrivals = 16,   ///< of a directory: a name has come into it
    departures = 32, ///< of a directory: a name has gone from it
    lost = 64        ///< nothing more will be told: it has gone
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
        int watch = -1; ///< -1: some were lost, anything may have happened
        change what{};
        std::string name; ///< in a directory; empty: it is about the thing itself
    };

    static result<inotify> open();

    /// Becomes readable when there are news. Non-blocking.
    int fd() const { return fd_.get(); }

    /// Watches what `path` leads to, for `wanted` in addition to what it was watched for before. A
    /// link at its end is not followed. Returns the watch, which is the same for the same file.
    result<int> add(const std::string& path, change wanted) const;
    void remove(int watch) const;

    /// Some of the news; empty: there are none now.
    std::vector<news> read() const;

  private:
    unique_fd fd_;
};

} // namespace einhyrningsins::os
