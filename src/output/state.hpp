// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// What is carried over when the master replaces its own program: plain data. Text of workers may
/// hold any bytes.
namespace einhyrningsins::output {

/// Who writes into a file; never used twice. 0 is nobody.
using writer_id = std::uint64_t;

struct counters {
    std::uint64_t bytes = 0;     ///< written to the file
    std::uint64_t rotations = 0; ///< that succeeded
    std::uint64_t errors = 0;    ///< attempts to open, write or rotate that failed
    std::uint64_t dropped = 0;   ///< bytes that were given up, the oldest first
    std::string last_error;      ///< empty: there was none
};

struct file_state {
    std::string spec; ///< config::log_spec in the user's words
    int fd = -1;
    std::int64_t began = 0; ///< when the file was begun, in seconds of the system clock
    writer_id last_writer = 0;
    std::string pending;              ///< what could not be written yet
    bool cut = false;                 ///< and the beginning of it was dropped
    std::uint64_t dropped_before = 0; ///< how much had been dropped when the trouble began
    counters count;
};

struct stream_state {
    writer_id id = 0;
    int fd = -1;         ///< the reading end of its pipe
    std::string path;    ///< of its file
    std::string partial; ///< the beginning of a line whose end has not come yet
};

struct capture_state {
    writer_id last_id = 0;
    std::vector<file_state> files;
    std::vector<stream_state> streams;
};

} // namespace einhyrningsins::output
