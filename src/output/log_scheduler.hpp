// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "loop/alarm.hpp"
#include "loop/background.hpp"
#include "loop/settling.hpp"
#include "output/log_channel.hpp"

#include <boost/asio/io_context.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace einhyrningsins::output {

/// Has the jobs of log files done by helper threads: one job at a time, in the order of submission.
/// If a job takes long, others are done by further threads, but never two of the same file at once,
/// and only a few of the same disk, so that a frozen disk does not occupy all threads.
class log_scheduler {
  public:
    /// The error of a file whose job takes very long.
    static constexpr const char* no_answer = "the disk does not answer";

    struct owner {
        std::function<void(log_channel&)> done; ///< called after each job of a channel
        std::function<void(const note&)> report;
    };

    log_scheduler(boost::asio::io_context& context, owner who);

    /// Whether a job of the channel would begin at once. If not, the channel must only be given as
    /// much as it may keep in memory.
    bool can_start(const log_channel& channel) const;
    /// Has the work of the channel done as soon as possible. The channel must exist until it
    /// is_idle() again.
    void submit(log_channel& channel);
    /// Whether it waits for a thread.
    bool is_queued(const log_channel& channel) const;
    /// Notes that output of the channel waits to be taken until a job can start or is done.
    void await(log_channel& channel) const;
    /// Whether its job takes so long, or does not begin for so long, that more output is to be
    /// collected before it is done.
    bool is_slow(const log_channel& channel) const;
    /// Closes the file of a channel that is idle, by a last job, and destroys the channel.
    void close(std::unique_ptr<log_channel> channel);

    /// Returns an empty pipe for a job, of `size` bytes if the system permits that much.
    os::result<os::pipe_ends> take_pipe(std::size_t size);

    /// Calls `settled` as soon as all that was submitted is done, or with an error if it is not
    /// after `longest`. From then on no job begins until resume(), which also ends settle() if
    /// `settled` was not called yet.
    void settle(core::duration longest, loop::settling::handler settled);
    void resume();
    /// Whether settle() was called last.
    bool is_paused() const { return settling_.has_begun(); }

    /// Waits until all that was submitted is done, at most until `deadline`. Returns whether it is.
    bool wait(core::time_point deadline);

    /// Whether no job is under way or queued.
    bool is_quiet() const { return running_.empty() && queue_.empty(); }

  private:
    struct running {
        log_channel* channel;
        loop::background::job job;
        core::time_point since;
    };

    bool only_slow_ones_run() const;
    void start_all();
    bool start(log_channel& channel);
    os::result<loop::background::job> run(log_channel& channel,
                                          const std::shared_ptr<log_job>& job);
    void tell_refusal(const log_channel& channel, const os::os_error& why);
    void finish(log_channel& channel, os::result<log_outcome> done);
    bool forget_closed(const log_channel& channel);
    void keep(os::pipe_ends pipe);
    void report(const log_channel& channel, core::severity level, const std::string& text);

    void check();
    void plan_check();
    void tell_stuck(log_channel& channel);
    void tell_done(log_channel& channel);
    const log_channel* stuck_one() const;
    os::os_error why_not_settled() const;

    owner owner_;
    std::vector<std::unique_ptr<log_channel>> closing_; ///< until their last job is done
    std::deque<log_channel*> queue_;
    std::vector<running> running_;
    std::vector<os::pipe_ends> pipes_; ///< empty ones, for the next jobs
    bool is_refused_ = false;          ///< the last job could not be begun; tried again soon
    bool is_refusal_told_ = false;     ///< that none could be begun since the last one that was
    loop::alarm check_;                ///< whether a job takes long
    loop::settling settling_;
    loop::background jobs_; ///< destroyed first, so that no callback follows
};

} // namespace einhyrningsins::output
