// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "master/access.hpp"
#include "master/control_commands.hpp"
#include "master/control_server.hpp"
#include "master/group_runner.hpp"
#include "os/files.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::master {

/// The process as a whole: binds what was asked for, runs the groups, hears signals, and ends when
/// the last worker of a stop has gone.
class master {
  public:
    /// Opens everything; throws start_failure if the system refuses something, with nothing left
    /// behind. `environment` is the one that the process was started with. Signals must be blocked
    /// already.
    master(boost::asio::io_context& context, config::settings wishes,
           std::vector<std::string> environment);
    ~master();
    master(const master&) = delete;
    master& operator=(const master&) = delete;

    /// Starts the groups and serves until the end; returns the exit code (SPEC section 2).
    int run();

    /// Sends `signal` (nothing: each group's stop signal) to all workers, starts none again, and
    /// ends when the last one has gone.
    void stop(std::optional<int> signal);
    bool is_stopping() const { return stopping_; }

    const group_list& groups() const { return groups_; }
    const config::settings& settings() const { return settings_; }
    const surroundings& around() const { return around_; }
    core::time_point started_at() const { return started_at_; }

  private:
    // The steps of the start, in their order.
    void describe_surroundings(std::vector<std::string> environment);
    void check_programs() const;
    void enter();
    void open_signals();
    void lock();
    void open_groups();
    void open_control();
    void write_pidfile();

    void await_signals();
    void on_signal(int number);
    void upgrade_all();
    void forward(int number);
    void kill_all();
    void quit();
    void reap();
    void end_if_settled();
    void leave(int exit_code);

    boost::asio::io_context& context_;
    config::settings settings_;
    surroundings around_;
    core::time_point started_at_;
    std::optional<os::lock_file> lock_;
    group_list groups_;
    control_commands commands_;
    std::optional<control_server> control_;
    std::optional<os::pid_file> pidfile_;
    boost::asio::posix::stream_descriptor signals_;
    bool stopping_ = false;
    int exit_code_ = 0;
};

} // namespace einhyrningsins::master
