// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "handoff/state.hpp"
#include "loop/alarm.hpp"
#include "loop/readable.hpp"
#include "master/beginning.hpp"
#include "master/commands/access.hpp"
#include "master/commands/control_commands.hpp"
#include "master/control/control_hub.hpp"
#include "master/control/control_server.hpp"
#include "master/group/group_runner.hpp"
#include "master/group/path_watcher.hpp"
#include "master/group/pid_table.hpp"
#include "master/reconfiguration.hpp"
#include "master/reload.hpp"
#include "os/exec.hpp"
#include "os/files.hpp"

#include <boost/asio/io_context.hpp>

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
    /// Goes on from a state: the first one, or that of the program that has executed this one (SPEC
    /// 7.5). What is not open in it is opened. A start_failure, which only a cold beginning throws,
    /// leaves nothing behind. Signals must be blocked already, at a cold start all but those that
    /// end it, which are blocked before anything is created.
    master(boost::asio::io_context& context, handoff::state from, call how, beginning kind);
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

    /// What the file of groups says now (--config); or why it cannot be used, in one or more lines.
    boost::system::result<std::vector<config::group_settings>, std::string> read_file_again() const;
    /// Makes the groups those of `what`. Returns those that have to be upgraded for it.
    std::vector<group_runner*> carry_out(reconfiguration& what);

    /// Replaces the master's program, and has the new one do what was `asked`, for `client` if
    /// there is one.
    void reload_for(handoff::request asked, std::shared_ptr<control_connection> client);
    /// Whether an upgrade of the workers is to be preceded by a reload (SPEC 7.5).
    bool reloads_before_upgrades() const;

    const group_list& groups() const { return groups_; }
    const pid_table& workers() const { return workers_; }
    const config::settings& settings() const { return settings_; }
    const surroundings& around() const { return around_; }
    core::time_point started_at() const { return started_at_; }
    std::uint64_t reloads() const { return reloads_; }
    /// Why clients have to wait, see control_hub; empty: they have not to.
    std::string trouble() const { return hub_->trouble(); }

  private:
    // The steps of the beginning, in their order.
    bool is_cold() const { return kind_ == beginning::cold; }
    void step(const std::function<void()>& deed) const;
    void describe_surroundings(std::string working_directory);
    os::own_program find_own_program() const;
    os::own_program own_program() const;
    void enter(const handoff::state& from) const;
    void change_niceness() const;
    void open_signals();
    os::result<void> watch_signals();
    os::look_ups look_up_names(const handoff::state& from) const;
    void check_program(const config::group_settings& of, const os::look_ups& names) const;
    void hold_lock(const std::optional<handoff::held_file>& from);
    void find_operators(const std::optional<unsigned>& from, const os::look_ups& names);
    void open_hub();
    void add_groups(const std::vector<handoff::group>& from);
    void open_groups(const os::look_ups& names);
    void open_control(control_server::source from);
    void hold_pidfile(const std::optional<handoff::held_file>& from);
    void add_clients(const handoff::state& from);
    void fulfil(const handoff::request& what, std::shared_ptr<control_connection> client);

    std::unique_ptr<control_server> open_group_control(const config::group_settings& of,
                                                       bool workers_are_others,
                                                       const control_server::source& from);
    bool has_strangers() const;
    void set_control_modes();
    void add_group(std::unique_ptr<group_runner> runner);
    void settle_logs(std::function<void(os::result<void>)> settled);
    os::result<os::unique_fd> snapshot();
    std::optional<os::os_error> settle_groups(bool (group_runner::*settle)());
    static os::result<os::unique_fd> to_file(const handoff::state& all);
    os::os_error hand_over(const reload::command& what, const std::string& program);
    handoff::state state();
    reload::command reload_command() const;

    void hear_signals();
    void on_stall(core::duration length);
    void on_signal(int number);
    void upgrade_all();
    void forward(int number);
    void kill_all();
    void quit();
    void reap();
    bool is_known_child(core::process_id pid) const;
    void hear_death(const os::reaped& child);
    void end_if_settled(const group_runner& settled);
    void bury();
    void sort_groups(const reconfiguration& like);
    void keep_wanted_logs();
    void leave(int exit_code);

    boost::asio::io_context& context_;
    config::settings settings_; ///< without those of the groups, which have their own
    call call_;
    beginning kind_;
    os::own_program program_;
    surroundings around_;
    core::time_point started_at_;
    std::optional<os::lock_file> lock_;
    path_watcher paths_; ///< of all groups
    loop::background look_ups_;
    worker_logs logs_;
    socket_files files_;
    std::optional<gid_t> operators_; ///< --socket-group
    pid_table workers_;              ///< of all groups
    std::optional<control_hub> hub_; ///< outlives all control sockets
    group_list groups_;
    control_commands commands_;
    std::optional<control_server> control_;
    std::optional<os::pid_file> pidfile_;
    reload reload_;
    std::uint64_t reloads_ = 0; ///< that there have been
    os::unique_fd signals_;
    loop::readable signal_news_;
    loop::alarm signal_retry_;
    bool signals_complained_ = false; ///< it was logged that they cannot be watched
    loop::alarm reap_;
    bool may_miss_deaths_ = false; ///< reap() has failed
    loop::alarm bury_;
    bool stopping_ = false;
    int exit_code_ = 0;
};

} // namespace einhyrningsins::master
