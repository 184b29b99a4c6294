// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <cerrno>
#include <poll.h>
#include <sys/types.h>

namespace einhyrningsins::world {

/// Bytes on their way in one direction, through a pipe or a stream socket.
struct channel {
    std::string bytes;
    std::size_t capacity = 64 * 1024;
    int readers = 0, writers = 0;
    std::uint64_t arrivals = 0;   ///< news for readers: bytes, the end
    std::uint64_t departures = 0; ///< news for writers: room, the end

    /// Returns the number of bytes; 0: all writers are gone; -EAGAIN.
    ssize_t take(std::span<char> into) {
        if (bytes.empty()) return writers > 0 ? -EAGAIN : 0;
        std::size_t size = std::min(into.size(), bytes.size());
        bytes.copy(into.data(), size);
        bytes.erase(0, size);
        ++departures;
        return static_cast<ssize_t>(size);
    }

    /// Returns the number of bytes, -EPIPE or -EAGAIN.
    ssize_t put(std::string_view text) {
        if (readers == 0) return -EPIPE;
        std::size_t size = std::min(text.size(), capacity - std::min(capacity, bytes.size()));
        if (size == 0 && !text.empty()) return -EAGAIN;
        bytes += text.substr(0, size);
        ++arrivals;
        return static_cast<ssize_t>(size);
    }

    void open(bool writer) { ++(writer ? writers : readers); }
    void close(bool writer) {
        --(writer ? writers : readers);
        ++(writer ? arrivals : departures);
    }

    unsigned readable_events() const {
        return (bytes.empty() && writers > 0 ? 0 : POLLIN) | (writers > 0 ? 0 : POLLHUP);
    }
    unsigned writable_events() const {
        if (readers == 0) return POLLOUT | POLLERR;
        return bytes.size() < capacity ? POLLOUT : 0;
    }
};

} // namespace einhyrningsins::world
