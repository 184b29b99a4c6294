// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <span>
#include <vector>

#include <sys/types.h>

namespace einhyrningsins::os {

/// A pipe whose reading end never waits; both ends close on exec.
struct pipe_ends {
    unique_fd read, write;
};
result<pipe_ends> make_pipe();

/// Lets a pipe hold `bytes`; the size that it has then, whether or not that was granted.
std::size_t resize_pipe(int fd, std::size_t bytes);
std::size_t pipe_size(int fd);

/// Moves up to `most` bytes from one pipe to another without copying them and without waiting: 0 at
/// the end of `from`, -EAGAIN if there is nothing now, or another negative errno.
ssize_t move_bytes(int from, int to, std::size_t most);

/// read(2) once: 0 at the end, -EAGAIN if there is nothing now, or another negative errno.
ssize_t read_some(int from, std::span<char> into);

/// read(2), repeated until `into` is full or there is nothing more; how much came.
std::size_t read_bytes(int from, std::span<char> into);

/// Which of many descriptors can be read, by an epoll(7) of its own: the watcher itself can be
/// waited for as one descriptor, and a descriptor that is taken out costs those who write to it
/// nothing.
class readable_set {
  public:
    static result<readable_set> make();

    /// Becomes readable when one of them does.
    int fd() const { return fd_.get(); }
    /// False if the system has no room for it.
    bool add(int fd) const;
    void remove(int fd) const;
    /// Those of them that can be read now, at most 64 at a time.
    std::vector<int> readable() const;

  private:
    explicit readable_set(unique_fd fd) : fd_(std::move(fd)) {}

    unique_fd fd_;
};

} // namespace einhyrningsins::os
