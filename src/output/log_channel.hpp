// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "output/log_job.hpp"

#include <map>
#include <memory>

namespace einhyrningsins::output {

/// The loop's side of a log file. Output is collected here while a job of the file is under way,
/// and becomes the next job. Never waits for the disk.
///
/// What is collected is bounded: while the disk is slow, room() says when the caller must stop;
/// once it does not answer (is_stuck), the oldest lines are dropped and counted.
class log_channel {
  public:
    /// Continues with the file of another master and takes ownership of its descriptor; or begins a
    /// new one, by a state that has nothing but a spec.
    explicit log_channel(model::log_file_state from);

    const config::log_spec& spec() const { return spec_; }
    const std::string& path() const { return spec_.path; }
    /// Sets another rotation for the same path.
    void change(config::log_spec spec);
    /// Sets how much may be kept, see pending_limit().
    void limit_pending(std::size_t bytes) { limit_ = bytes; }
    std::size_t limit() const { return limit_; }

    /// Whether it is in the settings; true at first.
    bool is_wanted() const { return wanted_; }
    void set_wanted(bool wanted) { wanted_ = wanted; }
    /// Whether a writer has not ended.
    bool is_used() const { return writers_ > 0; }
    /// Whether it can be destroyed without losing output.
    bool is_idle() const { return !running_ && !has_work() && view_.pending == 0 && !view_.holds; }

    // ---- Output ----

    /// Adds a writer, with what another master has read of it and not written.
    void join(writer_id id, std::string unwritten = {});
    /// Whether the writer has to wait for the end of another one's line.
    bool must_wait(writer_id id, core::time_point now);
    /// Takes text of a writer that does not have to wait.
    void take(writer_id from, std::string_view text);
    /// Whether output of the writer may be put into pipe(). What is there cannot be dropped, so
    /// it must not follow text that may be, nor a gap.
    bool can_take_piped(writer_id from) const;
    /// Takes note of `size` bytes of a writer in pipe().
    void take_piped(writer_id from, std::size_t size);
    /// `size` bytes of a writer that is about to end were dropped.
    void lose(writer_id from, std::size_t size);
    /// The writer has ended.
    void end(writer_id from);
    /// See log_file::flush().
    void flush();
    /// Has the file closed by the next job, which is the last one.
    void close();
    /// Has a job done even if there is nothing to write, see log_file::tend().
    void tend() { has_news_ = true; }

    /// The pipe of the next job, if it has one.
    std::optional<os::pipe_ends>& pipe() { return next_.pipe; }
    std::size_t piped() const { return piped_; }
    /// The number of bytes of text that are collected, and how many more may be. If none are, there
    /// is room.
    std::size_t waiting() const { return waiting_; }
    std::size_t room() const;

    // ---- Jobs ----

    /// Since when output waits for the next job, or for the one under way; nothing: it does not.
    std::optional<core::time_point> waits_since() const { return waits_since_; }
    /// Output waits from now on, unless it does already.
    void begin_wait(core::time_point now) { waits_since_ = waits_since_.value_or(now); }

    bool has_work() const { return has_news_; }
    bool is_running() const { return running_; }
    const std::shared_ptr<shared_log_file>& file() const { return file_; }
    /// Returns the next job, which is under way from now on, until one of the following calls.
    log_job begin();
    /// The job could not be begun.
    void take_back(log_job job);
    /// The job is done.
    void finish(log_view view);
    /// The job ended with an exception.
    void abandon();

    /// Whether it was reported that the disk does not answer.
    bool is_stuck() const { return stuck_; }
    void set_stuck(bool stuck);
    /// The number of bytes dropped since then.
    std::uint64_t dropped_meanwhile() const { return dropped() - dropped_before_; }

    // ---- What others may see ----

    /// Its state, with that of its writers. No job may be under way.
    model::log_file_state state() const;
    std::vector<std::pair<writer_id, std::string>> unwritten() const;

    const log_view& view() const { return view_; }
    /// The number of bytes that were dropped, and of those that are kept in memory.
    std::uint64_t dropped() const { return view_.count.dropped + lost_; }
    std::size_t pending() const { return view_.pending + waiting_; }
    /// Identifies the disk: files with the same lane wait for the same one, as far as is known.
    std::uint64_t lane() const;

  private:
    struct gap {
        std::uint64_t lost = 0;
        bool mid_line = false; ///< the rest of the line must be dropped too
    };

    std::size_t most_waiting() const;
    std::size_t most_pieces() const;
    bool is_over() const;
    log_job::piece& piece_of(writer_id from);
    static bool skip(gap& of, std::string_view& text);
    void trim();
    static void cut(gap& of, std::string_view& text, std::size_t least);
    bool drop_or_keep(log_job::piece& piece, std::size_t least);
    bool forget(const log_job::piece& last);

    config::log_spec spec_;
    std::shared_ptr<shared_log_file> file_;
    log_view view_;
    std::size_t limit_ = pending_limit(1);
    bool wanted_ = true;
    std::size_t writers_ = 0;

    log_job next_;
    bool has_news_ = true;          ///< the first job opens the file
    std::size_t waiting_ = 0;       ///< bytes of text in next_
    std::size_t piped_ = 0;         ///< bytes in its pipe
    std::map<writer_id, gap> gaps_; ///< before the next output of these writers
    std::uint64_t lost_ = 0;        ///< bytes dropped here that the file has not counted yet
    std::uint64_t lost_in_job_ = 0; ///< those of them that the job under way tells the file
    std::optional<core::time_point> held_since_; ///< since when a writer waits for a line's end
    std::optional<core::time_point> waits_since_;
    bool running_ = false;
    bool stuck_ = false;
    std::uint64_t dropped_before_ = 0; ///< when it became stuck
};

} // namespace einhyrningsins::output
