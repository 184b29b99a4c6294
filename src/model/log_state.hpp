// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/log_spec.hpp"

#include <boost/describe/class.hpp>

#include <cstdint>
#include <string>
#include <vector>

/// The state of the workers' logs as plain data, as handed over on a reload of the master. Output
/// of workers may contain arbitrary bytes.
namespace einhyrningsins::model {

/// Identifies an output stream of a worker; never reused. 0: none.
using writer_id = std::uint64_t;

struct log_counters {
    std::uint64_t bytes = 0;     ///< written to the file
    std::uint64_t rotations = 0; ///< that succeeded
    std::uint64_t errors = 0;    ///< failed attempts to open, write or rotate
    std::uint64_t dropped = 0;   ///< bytes, the oldest first
    std::string last_error;      ///< empty: none so far
};
BOOST_DESCRIBE_STRUCT(log_counters, (), (bytes, rotations, errors, dropped, last_error))

struct log_file_state {
    config::log_spec spec;
    int fd = -1;            ///< -1: to be opened
    std::int64_t began = 0; ///< when the file was started, in seconds of the system clock
    writer_id last_writer = 0;
    std::string pending;              ///< output that could not be written yet
    bool cut = false;                 ///< the beginning of `pending` has been dropped
    std::uint64_t dropped_before = 0; ///< log_counters::dropped when writing began to fail
    log_counters count;
};
BOOST_DESCRIBE_STRUCT(log_file_state, (),
                      (spec, fd, began, last_writer, pending, cut, dropped_before, count))

/// Whose output a stream is.
struct stream_owner {
    std::string group;            ///< empty: not known
    std::uint64_t worker = 0;     ///< 0: the template process (-p) of the generation
    std::uint64_t generation = 0; ///< of the worker or the template process
};
BOOST_DESCRIBE_STRUCT(stream_owner, (), (group, worker, generation))

struct stream_state {
    writer_id id = 0;
    int fd = -1;         ///< the read end of its pipe
    std::string path;    ///< of its log file
    std::string partial; ///< the beginning of an incomplete line
    stream_owner owner;
};
BOOST_DESCRIBE_STRUCT(stream_state, (), (id, fd, path, partial, owner))

struct logs_state {
    writer_id last_id = 0;
    std::vector<log_file_state> files;
    std::vector<stream_state> streams;
};
BOOST_DESCRIBE_STRUCT(logs_state, (), (last_id, files, streams))

} // namespace einhyrningsins::model
