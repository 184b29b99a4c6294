// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "loop/alarm.hpp"
#include "loop/readable.hpp"
#include "os/pipe.hpp"
#include "output/log_scheduler.hpp"
#include "output/turn.hpp"

#include <boost/asio/io_context.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace einhyrningsins::output {

/// A log file as `status` shows it.
struct log_status {
    std::string path;
    model::log_counters count;
    std::size_t pending = 0; ///< bytes that are kept in memory
    bool failing = false;
};

/// Moves the output of workers into log files, through one pipe for each stream of a worker. Runs
/// in the thread of an io_context: a turn takes a bounded time, and there is no work and no timer
/// while nothing is written and nothing is due. The files are written by helper threads, see
/// log_scheduler; the loop waits for no disk.
///
/// A stream with little output wakes the loop for each write. One with much output is not watched
/// but read at intervals, so that its pipe can fill and its writes do not wake the loop. Large
/// amounts are spliced from pipe to pipe, small ones are read into memory.
class capture {
  public:
    using reporter = std::function<void(const note&)>;

    /// Continues with `state`, which has nothing at a cold start, and takes ownership of its
    /// descriptors. A file without one is opened, a stream without one has ended: the line that it
    /// had begun is written.
    capture(boost::asio::io_context& context, const model::logs_state& state, reporter report);
    ~capture();
    capture(const capture&) = delete;
    capture& operator=(const capture&) = delete;

    /// Returns the writing end of a new stream into the file of `spec`, for one worker: the stream
    /// ends when the last copy of it is closed. Streams with the same path share the file; the spec
    /// given last applies. A file that cannot be opened is no error; opening it is retried.
    os::result<os::unique_fd> add(const config::log_spec& spec, model::stream_owner owner = {});

    /// Closes pipes of a group's streams that have not ended though their owner has, since
    /// something that it has left behind holds the writing end: the oldest ones, as long as there
    /// are more than orphan_limit(). One that cannot be emptied at once, since its file is waited
    /// for, stays open until a later call, unless there are twice as many: then what is in it is
    /// dropped and counted. To be called before add(), so that the number of descriptors is
    /// bounded. Returns how many were closed.
    std::size_t close_orphans(const std::string& group,
                              const std::function<bool(const model::stream_owner&)>& is_alive);

    /// Calls `settled` as soon as no file is being written, or with an error if one still is after
    /// `longest`. Until resume() no stream is read and no file is written, so that state() can be
    /// called and the process can execute another program. Must not be called again before
    /// `settled` was called or resume() ended it.
    void settle(core::duration longest, std::function<void(os::result<void>)> settled);
    void resume();
    /// The state for another master; only when settled. The descriptors stay owned by this object,
    /// which can go on if the handover fails. What is in the pipes stays there.
    model::logs_state state() const;

    /// Nothing if there is no such file.
    std::optional<log_status> status(const std::string& path) const;

    /// The number of streams that have not ended.
    std::size_t open_streams() const { return streams_.size(); }

    /// Forgets the files whose path `wanted` rejects, as soon as they have no stream and everything
    /// is written. The others are kept, because of their counters.
    void keep_only(const std::function<bool(const std::string&)>& wanted);

    /// Writes what the pipes hold now, with a last attempt for every file, at the end of the
    /// master. Waits for about `longest` at most, even if a disk does not answer.
    void finish(core::duration longest = std::chrono::seconds(2));

    /// Whether no stream is read at intervals, no file is being written and no timer is set.
    bool is_idle() const { return busy_.empty() && !is_writing() && !deadline_.is_set(); }
    bool is_writing() const { return !files_.is_quiet(); }

  private:
    struct stream;
    struct group_streams {
        std::size_t open = 0;
        std::size_t added = 0; ///< since orphans were looked for
    };
    using text_space = std::array<char, largest_read>;
    enum class outcome {
        ended,
        empty, ///< nothing was there
        some,
        full, ///< or nearly: more will follow at once
        held  ///< nothing was read: the end of another stream's line, or the file, is waited for
    };

    os::result<void> prepare();
    log_channel& channel_for(const config::log_spec& spec);
    log_channel* find(const std::string& path) const;
    void share_memory();
    void forget_unwanted();
    void adopt(const model::stream_state& from);
    stream& insert(os::unique_fd fd, log_channel& channel, writer_id id, model::stream_owner owner);
    bool may_exceed(const std::string& group, std::size_t limit);
    bool close(stream& from, bool is_urgent);
    void abandon(stream& from);

    void on_readable();
    void watch(stream& from);
    void make_busy(stream& from);

    void work();
    void begin_pass(moment now);
    void end_pass(moment now);
    bool stays_busy(stream& from, outcome what);
    outcome take_turn(stream& from, moment now);
    outcome await_file(stream& from);
    outcome read(stream& from, std::size_t most);
    outcome move(stream& from);
    outcome took(stream& from, ssize_t size, std::size_t most);
    void end(stream& from);
    void submit_all();

    void on_done(log_channel& channel);
    void note_deadline(const log_channel& channel);
    void tend();
    bool drain(stream& from);
    void report_loss();

    reporter report_;
    std::map<std::string, std::unique_ptr<log_channel>> channels_; ///< by path
    std::map<int, std::unique_ptr<stream>> streams_;               ///< by descriptor
    std::map<std::string, group_streams> groups_;                  ///< that have streams
    writer_id last_id_ = 0;

    std::optional<os::readable_set> watched_;
    std::vector<log_channel*> touched_; ///< that were given output in this turn
    std::unique_ptr<text_space> text_;  ///< what is read goes here

    std::vector<stream*> busy_;    ///< not watched, but read at intervals
    core::duration pause_;         ///< between two passes over all busy streams
    core::time_point next_pass_{}; ///< over all of them; those that were full do not wait for it
    bool pass_over_all_ = false;   ///< otherwise only over those that were full
    std::size_t cursor_ = 0;       ///< the position of the pass in busy_
    std::size_t fullest_ = 0;      ///< in this pass, in percent of the pipe's size
    bool any_full_ = false;
    bool any_waits_ = false; ///< for its file

    loop::alarm rhythm_;
    loop::alarm deadline_; ///< the earliest of the files'
    loop::readable readable_;
    log_scheduler files_;
};

} // namespace einhyrningsins::output
