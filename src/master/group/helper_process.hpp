// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/report.hpp"
#include "core/time.hpp"
#include "core/worker.hpp"
#include "handoff/state.hpp"
#include "os/os_error.hpp"
#include "os/reap.hpp"
#include "os/spawn.hpp"
#include "os/unique_fd.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace einhyrningsins::master {

/// A program that is run once for a group, its upgrader say. What it writes goes into the master's
/// log, line by line and within bounds. It leads a process group of its own, which goes with it.
class helper_process : public std::enable_shared_from_this<helper_process> {
  public:
    struct owner {
        /// It has ended; empty: with exit code 0, otherwise why it is not so. Not called by the
        /// functions that begin it, nor after drop().
        std::function<void(const std::string& failure)> ended;
        std::function<void(core::severity, const std::string&)> log;
    };

    /// Starts `recipe`. After `limit`, if that is not zero, it is told to go by SIGTERM, and 10 s
    /// later by SIGKILL. `what` names it in the log, as in "upgrader".
    static os::result<std::shared_ptr<helper_process>> start(boost::asio::io_context& context,
                                                             os::spawn_recipe recipe,
                                                             core::duration limit,
                                                             const std::string& what, owner who);
    /// Goes on with one that another master has started.
    static std::shared_ptr<helper_process> take_over(boost::asio::io_context& context,
                                                     const handoff::helper& from,
                                                     const std::string& what, owner who);
    /// Kills it if it is still there.
    ~helper_process();
    helper_process(const helper_process&) = delete;
    helper_process& operator=(const helper_process&) = delete;

    handoff::helper hand_over() const;
    core::process_id pid() const { return pid_; }
    const std::string& name() const { return what_; }

    /// Tells it to go, as its limit does; `why` completes "it was ended: ".
    void end(const std::string& why);
    /// Kills it, and has nothing told of its end.
    void drop();

    /// A child has ended; returns whether it was this one.
    bool hear(const os::reaped& dead);

  private:
    helper_process(boost::asio::io_context& context, core::process_id pid, os::unique_fd output,
                   std::string what, owner who);

    void await_output();
    /// Takes some of the output; what os::read_some has said.
    ssize_t read_output();
    void take(std::string_view text);
    void write_line();
    void close_output();
    void set_deadline(core::time_point when);
    void on_deadline();
    void signal_all(int number) const;
    void finish(const core::exit_cause& cause);

    core::process_id pid_;
    bool running_ = true;
    boost::asio::posix::stream_descriptor output_;
    boost::asio::steady_timer timer_;
    std::optional<core::time_point> deadline_;
    std::string what_;
    owner owner_;
    std::string line_; ///< its beginning, not yet written
    unsigned lines_ = 0;
    unsigned dropped_ = 0;
    bool told_ = false; ///< SIGTERM was sent
    std::string why_;   ///< it was told to go
};

} // namespace einhyrningsins::master
