// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/report.hpp"
#include "core/time.hpp"
#include "core/worker.hpp"
#include "handoff/state.hpp"
#include "loop/alarm.hpp"
#include "loop/readable.hpp"
#include "os/os_error.hpp"
#include "os/reap.hpp"
#include "os/spawn.hpp"
#include "os/unique_fd.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace einhyrningsins::master {

/// A program that is run once for a group, such as its upgrader. Its output is written to the
/// master's log, up to a number of lines. It runs in its own process group; signals go to the whole
/// group.
class helper_process : public std::enable_shared_from_this<helper_process> {
  public:
    struct owner {
        /// The program has ended: with exit code 0 if `failure` is empty, else it says how. Not
        /// called by start() and the constructor, nor after drop().
        std::function<void(const std::string& failure)> ended;
        std::function<void(core::severity, const std::string&)> log;
    };

    /// Starts `recipe`. After `limit`, unless that is zero, it is sent SIGTERM, and 10 s later
    /// SIGKILL. `what` names it in the log, as in "upgrader".
    static os::result<std::shared_ptr<helper_process>> start(boost::asio::io_context& context,
                                                             os::spawn_recipe recipe,
                                                             core::duration limit,
                                                             const std::string& what, owner who);
    /// Continues with a program that runs already.
    helper_process(boost::asio::io_context& context, const handoff::helper& from,
                   const std::string& what, owner who);
    /// Kills it if it is still there.
    ~helper_process();
    helper_process(const helper_process&) = delete;
    helper_process& operator=(const helper_process&) = delete;

    handoff::helper hand_over() const;
    core::process_id pid() const { return birth_.pid(); }
    const std::string& name() const { return what_; }

    /// Sends SIGTERM, and 10 s later SIGKILL. `why` completes "it was ended: ".
    void end(const std::string& why);
    /// Kills it. The owner is not told of its end.
    void drop();

    /// A child has ended; returns whether it was this one.
    bool hear(const os::reaped& dead);

  private:
    void watch_output();
    void hear_output();
    /// Takes some of the output; what os::read_some has said.
    ssize_t read_output();
    void take(std::string_view text);
    void write_line();
    void close_output();
    void on_limit();
    void signal_all(int number) const;
    void finish(const core::exit_cause& cause);

    os::birth birth_;
    bool running_ = true;
    os::unique_fd output_;
    loop::readable output_news_;
    loop::alarm output_retry_; ///< the pipe could not be watched
    loop::alarm limit_;
    loop::alarm vanished_; ///< somebody else has reaped it
    std::string what_;
    owner owner_;
    handoff::helper state_; ///< pid, output and deadline are filled in by hand_over()
};

} // namespace einhyrningsins::master
