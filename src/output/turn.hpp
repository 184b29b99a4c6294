// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>

/// What is done with the output of a worker when its pipe has its turn: numbers in, a decision out.
namespace einhyrningsins::output {

constexpr std::size_t largest_pipe = 1024 * 1024;
/// The number of bytes that are read at once.
constexpr std::size_t largest_read = 64 * 1024;

/// What the decision depends on.
struct turn_facts {
    bool is_large = false;     ///< so much output is expected that copying it costs too much
    bool can_start = false;    ///< a job of the file would begin at once; asked if is_large
    bool can_be_piped = false; ///< see log_channel::can_take_piped()
    std::size_t piped = 0;     ///< bytes in the pipe of the next job
    std::size_t waiting = 0;   ///< bytes of text for the next job
    std::size_t room = 0;      ///< for more text, in bytes; 0: none
    bool is_slow = false;      ///< the disk takes its time, so more is collected
    bool is_stuck = false;     ///< it does not answer, so workers do not wait for it
};

struct turn {
    enum class kind {
        wait, ///< for the file; the worker has to wait too when its pipe is full
        read, ///< copy text into memory
        move  ///< from pipe to pipe
    };
    kind what = kind::wait;
    std::size_t most = 0; ///< bytes
};

turn next_turn(const turn_facts& of);

/// How many pipes of a group may be held open by what its dead workers have left behind, if pipes
/// of so many groups are open and the process may have so many descriptors.
std::size_t orphan_limit(std::size_t groups, std::size_t descriptors);

} // namespace einhyrningsins::output
