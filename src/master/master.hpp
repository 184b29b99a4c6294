// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "handoff/state.hpp"
#include "master/commands/access.hpp"
#include "master/commands/control_commands.hpp"
#include "master/control/control_hub.hpp"
#include "master/control/control_server.hpp"
#include "master/group/group_runner.hpp"
#include "master/group/path_watcher.hpp"
#include "master/reconfiguration.hpp"
#include "master/reload.hpp"
#include "os/exec.hpp"
#include "os/files.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::master {

/// How the process was called: what it takes to do so again.
struct call {
    std::string name;                   ///< argv[0]
    std::vector<std::string> arguments; ///< the words after it, but for those of a reload
    std::vector<std::string> environment;
};

/// The process as a whole: binds what was asked for, runs the groups, hears signals, and ends when
/// the last worker of a stop has gone.
class master {
  public:
    /// Opens everything; throws start_failure if the system refuses something, with nothing left
    /// behind. Signals must be blocked already.
    master(boost::asio::io_context& context, config::settings wishes, call how);
    /// Goes on where the program that executed this one has left off (SPEC 7.5). What has -1 for a
    /// descriptor is opened anew where possible, and else reported.
    master(boost::asio::io_context& context, handoff::state from, call how);
    ~master();
    master(const master&) = delete;
    master& operator=(const master&) = delete;

    /// Starts the groups and serves until the end; returns the exit code (SPEC section 2).
    int run();

    /// Sends `signal` (nothing: each group's stop signal) to all workers, starts none again, and
    /// ends when the last one has gone.
    void stop(std::optional<int> signal);
    /// The same with what each group is to be told.
    void stop_by(const std::function<core::event::stop(const group_runner&)>& order_for);
    bool is_stopping() const { return stopping_; }

    /// What the file of groups says now (--config); or why nothing can be made of it, in one or
    /// more lines. Nothing is changed yet.
    boost::system::result<reconfiguration, std::string> read_file_again() const;
    /// Makes the groups those of `what`. Returns those that have to be upgraded for it.
    std::vector<group_runner*> carry_out(reconfiguration& what);

    /// Replaces the master's program, and has the new one do `wish`, for `client` if there is one.
    void reload_for(handoff::wish wish, std::shared_ptr<control_connection> client);
    /// Whether an upgrade of the workers is to be preceded by a reload (SPEC 7.5).
    bool reloads_before_upgrades() const;

    const group_list& groups() const { return groups_; }
    const config::settings& settings() const { return settings_; }
    const surroundings& around() const { return around_; }
    core::time_point started_at() const { return started_at_; }
    std::uint64_t reloads() const { return reloads_; }

  private:
    // The steps of the start, in their order.
    void describe_surroundings(std::string working_directory);
    void check_program() const;
    void enter();
    void change_niceness() const;
    void open_signals();
    void lock();
    void open_groups();
    void open_hub();
    std::unique_ptr<control_server> open_group_control(const config::group_settings& of,
                                                       const group_runner::control_source& from);
    bool has_strangers() const;
    void set_control_modes();
    void open_control(const std::optional<handoff::control_socket>& from);
    void write_pidfile();

    // The same after a reload.
    void take_over_files(const handoff::state& from);
    void take_over_groups(const handoff::state& from);
    void take_over_clients(const handoff::state& from);
    void fulfil(const handoff::wish& what, std::shared_ptr<control_connection> client);

    void add_group(std::unique_ptr<group_runner> runner);
    os::result<os::unique_fd> snapshot();
    os::os_error hand_over(std::vector<handoff::wish> wishes);
    handoff::state state();
    reload::command reload_command() const;

    void await_signals();
    void on_signal(int number);
    void upgrade_all();
    void forward(int number);
    void kill_all();
    void quit();
    void reap();
    void end_if_settled(const group_runner& settled);
    void bury();
    void sort_groups(const reconfiguration& like);
    void keep_wanted_logs();
    void leave(int exit_code);

    boost::asio::io_context& context_;
    config::settings settings_; ///< of the groups until they are there, which then have their own
    call call_;
    os::own_program program_;
    surroundings around_;
    core::time_point started_at_;
    std::optional<os::lock_file> lock_;
    path_watcher paths_; ///< of all groups
    worker_logs logs_;
    std::optional<gid_t> operators_; ///< --socket-group
    std::optional<control_hub> hub_; ///< outlives all control sockets
    group_list groups_;
    control_commands commands_;
    std::optional<control_server> control_;
    std::optional<os::pid_file> pidfile_;
    reload reload_;
    std::uint64_t reloads_ = 0; ///< that there have been
    bool taken_over_ = false;   ///< from another program
    boost::asio::posix::stream_descriptor signals_;
    bool stopping_ = false;
    int exit_code_ = 0;
};

} // namespace einhyrningsins::master
