// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/pipe.hpp"
#include "output/log_file.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::output {

/// A log file that the loop shares with helper threads: it belongs to the job that is under way, or
/// to the loop if there is none.
struct shared_log_file {
    model::log_file_state from;   ///< what the file begins with; empty once it is there
    std::optional<log_file> file; ///< opened by the first job
};

/// The work of one job on a log file, done in the order of the members.
struct log_job {
    /// A part of the output of one writer.
    struct piece {
        writer_id from = 0;
        std::uint64_t lost = 0; ///< the number of bytes before it that were dropped
        std::string text = {};
        std::size_t piped = 0; ///< the number of bytes in the pipe that follow `text`
        bool insists = false;  ///< see log_file::take()
        bool ends = false;     ///< it is the writer's last one
    };

    config::log_spec spec; ///< whose rotation may have changed
    std::size_t pending_limit = output::pending_limit(1);
    /// New writers, with what another master has read of them and not written.
    std::map<writer_id, std::string> joined;
    std::uint64_t lost = 0; ///< the number of bytes that were dropped of writers not named here
    std::deque<piece> pieces;
    std::optional<os::pipe_ends> pipe;
    bool flushes = false; ///< see log_file::flush()
    bool closes = false;  ///< closes the file, and does nothing else
};

/// What the loop has to know of a log file after a job.
struct log_view {
    model::log_counters count;
    std::size_t pending = 0; ///< bytes that are kept in memory
    bool failing = false;
    std::uint64_t device = 0;            ///< see log_file::device()
    writer_id holder = 0;                ///< see log_file::holder()
    bool holds = false;                  ///< see log_file::holds()
    std::optional<core::time_point> due; ///< when another job is due
};

struct log_outcome {
    log_view view;
    std::vector<note> notes;
    std::optional<os::pipe_ends> pipe; ///< that of the job, now empty
};

/// Does the job. Waits for the disk.
log_outcome carry_out(log_job& job, shared_log_file& on);

} // namespace einhyrningsins::output
