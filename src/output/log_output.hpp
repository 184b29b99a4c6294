// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/time.hpp"
#include "loop/alarm.hpp"
#include "loop/background.hpp"
#include "loop/readable.hpp"
#include "loop/settling.hpp"
#include "os/log_descriptor.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace einhyrningsins::output {

/// Writes the master's own log lines to standard error. Neither a reader that has stopped nor a
/// disk that is full or does not answer stops the master: lines that cannot be written yet are kept
/// up to a bound, and those beyond it are dropped and counted (SPEC section 9). A line that was
/// begun in a file is continued there.
class log_output {
  public:
    explicit log_output(boost::asio::io_context& context);

    /// Writes `line`, which ends with a newline, or keeps or drops it. Never waits: a file is
    /// written by a helper thread, see os::background.
    void write(std::string_view line);

    /// What standard error has not taken yet; no more than is kept.
    std::string unwritten() const { return std::string(rest_of_job()) + kept_; }
    /// Writes what unwritten() of another master was, which may begin within a line, or keeps all
    /// of it. To be called before write().
    void continue_with(std::string_view unwritten);

    /// When writing is attempted again after a failure; nothing: it has not failed.
    std::optional<core::time_point> next_attempt() const { return retry_.due(); }

    /// Called with the number of dropped lines when all that was kept has been taken.
    void on_recovery(std::function<void(std::size_t)> handler) { recovered_ = std::move(handler); }
    /// Counts lines that did not reach write().
    void note_dropped(std::size_t lines = 1) { dropped_ += lines; }
    /// The number of dropped lines that no handler was told of.
    std::size_t dropped() const { return dropped_; }
    /// Calls the handler of on_recovery() if lines were dropped and standard error takes lines
    /// again. To be called after write(), but not by it.
    void tell_dropped();

    /// Whether standard error is a terminal, which likes colours.
    bool is_terminal() const { return descriptor_->is_terminal(); }

    /// Calls `settled` as soon as no helper thread writes, and a file has all lines that it takes,
    /// or with an error if one still writes after `longest`. From then on lines are only kept,
    /// until resume(). Must not be called again before `settled` was called.
    void settle(core::duration longest, loop::settling::handler settled);
    /// Also ends settle(), if that has not called its argument yet.
    void resume();

    /// Waits until all lines are in the file that standard error is, for at most `longest`. Does
    /// nothing if it is no file, or cannot be written.
    void finish(core::duration longest);

  private:
    std::string_view rest_of_job() const;
    void keep(std::string_view line);
    void drop(std::string_view lines);
    void go_on();
    void try_again();
    void note_progress() { pause_ = first_pause; }
    void write_kept();
    void await_writable();
    void write_file();
    bool begin_job() noexcept;
    void note_written(std::size_t size);
    void go_on_settling();

    std::shared_ptr<os::log_descriptor> descriptor_; ///< shared with a job that may outlive this
    std::string kept_;
    std::size_t dropped_ = 0;
    bool takes_ = true; ///< whether the last attempt to write was no failure; for all but files
    std::function<void(std::size_t)> recovered_;
    static constexpr core::duration first_pause = std::chrono::seconds(1);
    core::duration pause_ = first_pause; ///< after the next failure
    loop::alarm retry_;

    os::unique_fd watch_; ///< readable when standard error is writable
    loop::readable writable_;

    /// Comes before kept_; shared with the job that writes it. Null: there is none.
    std::shared_ptr<const std::string> writing_;
    std::size_t written_ = 0; ///< bytes of it that are in the file
    bool is_writing_ = false;
    loop::background::job job_;
    loop::settling settling_;
    loop::background jobs_;
};

} // namespace einhyrningsins::output
