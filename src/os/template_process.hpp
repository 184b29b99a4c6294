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

#include <sys/types.h>

namespace einhyrningsins::os {

/// The first word of the command line that makes the master's program a template process, see
/// run_template().
constexpr std::string_view template_word = "--preload-template";

/// What a template process has to say.
namespace template_answer {

struct loaded {}; ///< it can be asked for workers

/// The object cannot be used.
struct refused {
    std::string reason;
};

/// The answer to ask(): a child of this process, which runs as soon as this was sent.
struct forked {
    pid_t pid = 0;
};

/// The other answer to ask().
struct fork_failed {
    os_error error;
};

/// Something that is no answer.
struct garbled {};

/// Nothing more will come.
struct closed {};

} // namespace template_answer

using template_answer_type =
    std::variant<template_answer::loaded, template_answer::refused, template_answer::forked,
                 template_answer::fork_failed, template_answer::garbled, template_answer::closed>;

/// A process that has loaded a shared object and forks workers from itself, which then are children
/// of this process (-p). Nothing here ever waits for it: it runs code of the user's. It is killed
/// when this goes, and by the kernel when this process ends.
///
/// Both talk through a socket of the type SOCK_SEQPACKET, in words: a template may have been
/// started by another version of this program.
class template_process {
  public:
    /// Starts one that loads `object`, in the surroundings that `worker` describes. Workers get the
    /// arguments of `worker`; its program is not executed. With `socket_as_fd` each gets one
    /// descriptor more, see ask(). `output` is for what the object has to say while it is loaded,
    /// and for workers that are given none of their own.
    static result<template_process> start(spawn_recipe worker, const std::string& object,
                                          bool socket_as_fd, output_descriptors output = {});

    /// One that another master has started in this process.
    template_process(pid_t pid, unique_fd control) : pid_(pid), control_(std::move(control)) {}
    template_process(template_process&&) = default;
    template_process& operator=(template_process&&) = delete;
    ~template_process();

    pid_t pid() const { return pid_; }
    /// Becomes readable when there is an answer.
    int control() const { return control_.get(); }

    /// Asks for one worker. `extra_fd`, unless -1, becomes its descriptor after the last listener.
    /// Answers come in the order of the requests.
    result<void> ask(unsigned index, int extra_fd, output_descriptors output = {}) const;

    /// The next answer; nothing: there is none yet.
    std::optional<template_answer_type> hear() const;

    /// Ends it, so that its death is reaped soon. False if there is no such child any more.
    bool kill() const;
    /// Its death was reaped: the pid may be another process' by now.
    void forget() { control_.reset(); }

  private:
    pid_t pid_ = 0;
    unique_fd control_;
};

/// The longest message of either side.
constexpr std::size_t template_message_limit = 4096;

/// One message; EAGAIN as the error's number if it does not fit in now. Up to three `descriptors`
/// go with it.
result<void> send_template_message(int control, std::string_view text,
                                   std::span<const int> descriptors, int flags);

struct template_message {
    std::string text;                   ///< empty: the other side has closed
    std::vector<unique_fd> descriptors; ///< that came along
};

/// The next message; EAGAIN as the error's number if `flags` have MSG_DONTWAIT and there is none.
result<template_message> receive_template_message(int control, int flags);

} // namespace einhyrningsins::os
