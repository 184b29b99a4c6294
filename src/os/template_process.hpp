// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/spawn.hpp"
#include "os/unique_fd.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <sys/socket.h>
#include <sys/types.h>

namespace einhyrningsins::os {

/// The first word of the command line that makes the master's program a template process, see
/// run_template().
constexpr std::string_view template_word = "--preload-template";

/// The messages of a template process.
namespace template_answer {

struct loaded {}; ///< the object is loaded, and workers can be requested

/// The object cannot be loaded.
struct refused {
    std::string reason;
};

/// The answer to ask(): the worker, a child of this process, which runs once this was sent.
struct forked {
    pid_t pid = 0;
};

/// The other answer to ask().
struct fork_failed {
    os_error error;
};

/// An invalid message.
struct garbled {};

/// The template process has closed the connection.
struct closed {};

} // namespace template_answer

using template_answer_type =
    std::variant<template_answer::loaded, template_answer::refused, template_answer::forked,
                 template_answer::fork_failed, template_answer::garbled, template_answer::closed>;

/// A process that has loaded a shared object and forks workers, which become children of this
/// process (-p). It runs code of the user, so no function here waits for it. It is killed by the
/// destructor, and by the kernel when this process ends.
///
/// The two communicate through a SOCK_SEQPACKET socket. The messages are text, since the template
/// process may have been started by another version of this program.
class template_process {
  public:
    /// Starts a template process that loads `object`, with the environment, directory, identity and
    /// descriptors of `worker`. Workers get the arguments of `worker`; its program is not executed.
    /// With `socket_as_fd` each worker gets one more descriptor, see ask(). `output` is for the
    /// template process, and for workers without their own.
    static result<template_process> start(spawn_recipe worker, const std::string& object,
                                          bool socket_as_fd, output_descriptors output = {});

    /// A template process that was started by the program that ran in this process before.
    template_process(pid_t pid, unique_fd control)
        : template_process(birth(pid), std::move(control)) {}
    template_process(template_process&&) = default;
    template_process& operator=(template_process&&) = delete;
    ~template_process();

    pid_t pid() const { return birth_.pid(); }
    /// Becomes readable when there is a message.
    int control() const { return control_.get(); }

    /// Requests one worker. `extra_fd`, unless -1, becomes its descriptor after the last listener.
    /// Requests are answered in order.
    result<void> ask(unsigned index, int extra_fd, output_descriptors output = {}) const;

    /// The next message; nothing: there is none yet.
    std::optional<template_answer_type> hear() const;

    /// Why the template process could not be executed; nothing: it was, or that is not known.
    std::optional<os_error> why_not_executed();

    /// The process has been reaped, and its pid may have been reused.
    void forget() { control_.reset(); }

  private:
    template_process(birth child, unique_fd control)
        : birth_(std::move(child)),
          control_(std::move(control)) {}

    birth birth_;
    unique_fd control_;
};

/// The maximum length of a message in bytes.
constexpr std::size_t template_message_limit = 4096;
/// How many descriptors a message to a template process has at most.
constexpr std::size_t template_descriptor_limit = 3;

/// A buffer for them.
union template_descriptor_room {
    cmsghdr header;
    char bytes[CMSG_SPACE(template_descriptor_limit * sizeof(int))];
};

/// Sends a message with `descriptors`. Error EAGAIN: the socket is full.
result<void> send_template_message(int control, std::string_view text,
                                   std::span<const int> descriptors, int flags);

} // namespace einhyrningsins::os
