// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "core/event.hpp"
#include "core/report.hpp"
#include "handoff/state.hpp"
#include "master/group/helper_process.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace einhyrningsins::master {

/// What comes before an upgrade of a group: a program of the user's, which may forbid it. Runs when
/// an upgrade is asked for, and every so often by itself if that is wished for.
class upgrader : public std::enable_shared_from_this<upgrader> {
  public:
    struct owner {
        std::function<os::result<os::spawn_recipe>()> recipe; ///< of the program
        std::function<bool()> may_run; ///< whether the group is in a state to be upgraded
        std::function<void(core::upgrade_mode)> upgrade;
        std::function<void(const core::report&)> tell;
        std::function<void(core::severity, const std::string&)> log;
    };

    static std::shared_ptr<upgrader> make(boost::asio::io_context& context,
                                          const config::group_settings& wishes, owner who);
    /// Goes on with what another master has begun.
    static std::shared_ptr<upgrader> take_over(boost::asio::io_context& context,
                                               const config::group_settings& wishes,
                                               const handoff::upgrader& from, owner who);
    upgrader(const upgrader&) = delete;
    upgrader& operator=(const upgrader&) = delete;

    handoff::upgrader hand_over() const;

    /// Runs the program, or joins the run that there is; then upgrades, or tells why not. Nothing
    /// is told before this returns.
    void request(core::upgrade_mode mode);
    /// Whoever waits is told that nothing comes of it; the program is told to go.
    void cancel(const std::string& why);
    /// The interval may be another one now.
    void replan();
    /// A child has ended; returns whether it was the program.
    bool hear(const os::reaped& dead);

    /// The program while it runs, else nullptr.
    const helper_process* process() const { return process_.get(); }

  private:
    upgrader(boost::asio::io_context& context, const config::group_settings& wishes, owner who);

    helper_process::owner process_owner();
    void begin_soon();
    void begin();
    void fail(const os::os_error& error);
    void finish(const std::string& failure);
    void plan_next(core::time_point when);
    void on_turn();

    boost::asio::io_context& context_;
    const config::group_settings& wishes_;
    owner owner_;
    std::shared_ptr<helper_process> process_;
    bool cancelled_ = false;                  ///< the process is on its way out
    std::optional<core::upgrade_mode> asked_; ///< somebody waits for it
    boost::asio::steady_timer timer_;
    std::optional<core::time_point> next_;
};

} // namespace einhyrningsins::master
