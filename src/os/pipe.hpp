// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/identity.hpp"
#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <chrono>
#include <optional>
#include <span>
#include <vector>

#include <sys/types.h>

namespace einhyrningsins::os {

/// A pipe with a non-blocking read end. Both ends have close-on-exec.
struct pipe_ends {
    unique_fd read, write;
};
result<pipe_ends> make_pipe();

/// Makes `user` the owner of the pipe, so that a program that runs as that user can open it by name
/// (/dev/stdout). Failures are ignored: writing to the descriptor works all the same.
void give_pipe(int fd, const identity& user);

/// Tries to set the capacity of a pipe in bytes. Returns the resulting capacity.
std::size_t resize_pipe(int fd, std::size_t bytes);
std::size_t pipe_size(int fd);
/// The number of bytes in a pipe; nothing: the system does not tell.
std::optional<std::size_t> bytes_in(int fd);
/// Whether nothing is in a pipe.
bool is_empty(const pipe_ends& pipe);

/// Moves up to `most` bytes from one pipe to another without copying or blocking. Returns the
/// number of bytes, 0 at the end of `from`, -EAGAIN if it is empty, or another negative errno.
ssize_t move_bytes(int from, int to, std::size_t most);

/// Calls read(2) once. Returns the number of bytes, 0 at the end, -EAGAIN if there is nothing at
/// present, or another negative errno.
ssize_t read_some(int from, std::span<char> into);

/// Waits until `fd` can be read, for at most `longest`; may return early.
void wait_readable(int fd, std::chrono::nanoseconds longest);

/// Calls read(2) until `into` is full or nothing is left. Returns the number of bytes.
std::size_t read_bytes(int from, std::span<char> into);

/// Finds the readable ones among many descriptors, using epoll(7): the set itself can be waited for
/// as one descriptor, and writers to a descriptor that was removed incur no cost.
class readable_set {
  public:
    static result<readable_set> make();

    /// Becomes readable when one of the descriptors does.
    int fd() const { return fd_.get(); }
    /// Returns false if the system lacks the resources.
    bool add(int fd) const;
    void remove(int fd) const;
    /// The descriptors that are readable, at most 64 at a time.
    std::vector<int> readable() const;

  private:
    explicit readable_set(unique_fd fd) : fd_(std::move(fd)) {}

    unique_fd fd_;
};

} // namespace einhyrningsins::os
