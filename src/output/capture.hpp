// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/pipe.hpp"
#include "output/log_file.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

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
    counters count;
    std::size_t pending = 0; ///< bytes that wait in memory
    bool failing = false;
};

/// The output of workers on its way into log files: one pipe for each stream of a worker. Runs in
/// the one thread of an io_context, beside other work: a turn takes a bounded time, and while
/// nothing is written and nothing is due, nothing is done.
///
/// A stream that has little to say is woken for; one that has much is taken out of what is watched,
/// so that its writes wake nobody, and emptied in a rhythm that lets its pipe fill.
class capture {
  public:
    capture(boost::asio::io_context& context, reporter report);
    /// Goes on where another master has stopped: takes ownership of the descriptors of `state`. A
    /// file without one is opened, a stream without one is forgotten, but for what it had begun.
    capture(boost::asio::io_context& context, const capture_state& state, reporter report);
    ~capture();
    capture(const capture&) = delete;
    capture& operator=(const capture&) = delete;

    /// The writing end of a new stream into the file of `spec`, for a worker and nobody else: its
    /// last copy to be closed is the end of the stream. Streams into the same path share the file,
    /// under the rule that was named last. A file that cannot be opened is no error, but tried
    /// again.
    os::result<os::unique_fd> add(const config::log_spec& spec);

    /// Everything, to be carried over; the descriptors stay ours, and so this may go on if it is
    /// not carried over after all. What is left in the pipes stays there.
    capture_state state() const;

    /// Nothing if there is no such file here.
    std::optional<log_status> status(const std::string& path) const;

    /// How many streams have not ended.
    std::size_t open_streams() const { return streams_.size(); }

    /// Files whose path `wanted` does not know are forgotten, as soon as no stream leads to them
    /// and all that was kept for them is written. The others stay, for their counters.
    void keep_only(const std::function<bool(const std::string&)>& wanted);

    /// Takes what the pipes hold now and makes a last attempt with every file, for the end of the
    /// master; no new stream is begun after about `longest`.
    void finish(core::duration longest = std::chrono::seconds(2));

    /// Whether nothing is under way: no stream that is being emptied, and no timer.
    bool is_idle() const { return busy_.empty() && !scheduled_ && !tend_at_; }

  private:
    struct stream;
    enum class outcome { empty, some, full, held, ended };

    os::result<void> prepare();
    log_file& file_for(const config::log_spec& spec);
    log_file* find(const std::string& path) const;
    void share_memory();
    void forget_unwanted();
    void adopt(const stream_state& from);
    stream& insert(os::unique_fd fd, log_file& file, writer who);

    void wait_readable();
    void on_readable();
    void watch(stream& one);
    void make_busy(stream& one);

    void schedule(core::duration pause);
    void work();
    void begin_pass(moment now);
    void end_pass(moment now);
    bool stays_busy(stream& one, outcome what);
    outcome take_turn(stream& one, moment now);
    outcome drain(stream& one, moment now);
    void end(stream& one, moment now);

    void note_deadline(const log_file& of, moment now);
    void tend();

    boost::asio::io_context& context_;
    reporter report_;
    std::map<std::string, std::unique_ptr<log_file>> files_; ///< by path
    std::map<int, std::unique_ptr<stream>> streams_;         ///< by descriptor
    writer_id last_id_ = 0;

    std::optional<os::pipe_ends> through_; ///< empty between two drains
    std::optional<os::readable_set> watched_;
    boost::asio::posix::stream_descriptor readable_;

    std::vector<stream*> busy_; ///< not watched, but emptied in a rhythm
    boost::asio::steady_timer rhythm_;
    core::duration pause_;         ///< between two passes over all that are busy
    core::time_point next_pass_{}; ///< over all; those that were full do not wait for it
    bool pass_over_all_ = false;   ///< else only over those that were full
    std::size_t cursor_ = 0;       ///< where in busy_ the pass is
    std::size_t fullest_ = 0;      ///< of this pass, in percent of the pipe
    bool any_full_ = false;
    bool scheduled_ = false; ///< rhythm_ will call work()

    boost::asio::steady_timer deadline_;
    std::optional<core::time_point> tend_at_; ///< when deadline_ fires

    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true); ///< for handlers that outlive this
};

} // namespace einhyrningsins::output
