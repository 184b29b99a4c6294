// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "handoff/state.hpp"
#include "master/control/control_connection.hpp"
#include "os/reap.hpp"
#include "os/spawn.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace einhyrningsins::master {

/// Replaces the program of the master (SPEC 7.5): first a trial run of the new one, which has to
/// understand the state as it is now, and if that ends well, the exec. Whatever fails, the old
/// program goes on, and who waits is told why.
class reload {
  public:
    /// What the program is called with, without the words that say what for.
    struct command {
        std::vector<std::string> program;   ///< one word, or those of --reexec-as
        std::vector<std::string> arguments; ///< the words after the program's name
        std::vector<std::string> environment;
        std::string directory;
    };
    /// The state to be handed over, in a file of its own.
    using snapshot = std::function<os::result<os::unique_fd>()>;
    /// Executes the new program, with what it is to do when it is there; returns if that failed.
    using execution = std::function<os::os_error(std::vector<handoff::wish>)>;

    reload(boost::asio::io_context& context, snapshot take, execution execute);

    /// Asks for a reload by `what`, and for `wish` to be done by the new program. `client`, if
    /// any, is told if it fails, though not before this returns. A request that comes during the
    /// trial run joins it.
    void request(const command& what, handoff::wish wish,
                 std::shared_ptr<control_connection> client);

    /// The trial run is not to have consequences.
    void cancel(const std::string& why);

    /// Hears of a child that has ended; returns whether it was the trial run.
    bool hear(const os::reaped& child);

  private:
    struct waiter {
        handoff::wish wish;
        std::shared_ptr<control_connection> client;
        std::shared_ptr<void> hold;
    };

    void start_trial();
    void on_timeout();
    void decide(const core::exit_cause& trial);
    void go();
    void fail(const std::string& why);
    static void tell_failure(const waiter& one, const std::string& text);

    snapshot take_;
    execution execute_;
    boost::asio::io_context& context_;
    boost::asio::steady_timer timer_;
    std::vector<waiter> waiters_;
    command what_;
    bool under_way_ = false;
    pid_t trial_ = 0; ///< its pid; 0: there is none
};

} // namespace einhyrningsins::master
