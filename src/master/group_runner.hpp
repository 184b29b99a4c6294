// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "core/group.hpp"
#include "handoff/state.hpp"
#include "master/auto_upgrade.hpp"
#include "master/control_server.hpp"
#include "master/demand_watch.hpp"
#include "master/helper_process.hpp"
#include "master/listener_set.hpp"
#include "master/live_check.hpp"
#include "master/notify_watch.hpp"
#include "master/preload.hpp"
#include "master/upgrader.hpp"
#include "master/worker_logs.hpp"
#include "os/credentials.hpp"
#include "os/spawn.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace einhyrningsins::master {

/// What all groups of a master share, and what their workers inherit from it.
struct surroundings {
    std::vector<std::string> environment; ///< that the master was started with
    core::process_id master_pid = 0;
    std::string socket_path;       ///< absolute, of the control socket
    std::string working_directory; ///< as the user wrote it, symbolic links and all
    /// Serves our end of a control socket that a worker was given (-g).
    /// Opens the control socket that a group has for itself; throws start_failure.
    std::function<std::unique_ptr<control_server>(const config::group_settings&,
                                                  const std::optional<handoff::control_socket>&)>
        open_control;
    std::function<void(os::unique_fd, os::peer)> adopt;
    path_watcher* paths = nullptr; ///< always there
    worker_logs* logs = nullptr;   ///< of all groups
};

/// The absolute path of the control socket that a group has for itself; empty: it has none.
std::string control_path(const config::group_settings& wishes, const surroundings& around);

/// The directories where workers' programs are looked for: PATH in `environment`.
std::string search_path(const std::vector<std::string>& environment);

/// Where the workers of a group run.
std::string directory_of(const config::group_settings& wishes, const surroundings& around);

/// The shell of one group: turns what happens into events, and performs what the core decides. Owns
/// the group's listeners.
class group_runner {
  public:
    using control_source = std::optional<handoff::control_socket>;
    /// Hears each report; returns whether it wants to hear more.
    using observer = std::function<bool(const core::report&)>;

    /// Nothing is open yet.
    group_runner(boost::asio::io_context& context, config::group_settings wishes,
                 const surroundings& around);
    /// Goes on where another master has left off: with its descriptors, or, where they are -1, with
    /// new ones. Workers that ended unseen meanwhile are noticed at once.
    group_runner(boost::asio::io_context& context, const handoff::group& from,
                 const surroundings& around);
    /// Removes the files of the listeners.
    ~group_runner();
    group_runner(const group_runner&) = delete;
    group_runner& operator=(const group_runner&) = delete;

    /// Why no worker of `wishes` could be started, as far as can be seen beforehand, in one line.
    static std::optional<std::string> check(const config::group_settings& wishes,
                                            const surroundings& around);

    /// Looks for the program and opens the listeners, unless that has been done: to be called
    /// before the group is started. Returns why it is not possible, in one line; that is `trouble`
    /// then.
    std::optional<std::string> open();
    /// Why the group cannot be started; empty: it can.
    const std::string& trouble() const { return trouble_; }

    /// The one door for everything that happens. What follows from it is done in the next turn of
    /// the loop, so that what happens together is decided together.
    void notice(const core::event_type& what);

    /// An upgrade is asked for: that of event::upgrade, but after the group's upgrader, if it has
    /// one, and unless that forbids it.
    void request_upgrade(core::upgrade_mode mode);
    bool has_upgrader() const { return upgrader_ != nullptr; }
    /// Whether a program that ends with the group is still running: the master waits for it.
    bool has_helpers() const { return stop_command_ || (upgrader_ && upgrader_->is_running()); }

    /// Does what is decided until nothing follows from it at once.
    void settle();
    /// All that another master needs to go on; after settle().
    handoff::group hand_over() const;

    /// Takes the births that template processes (-p) have told. To be called before a process that
    /// is no known worker is taken for a stranger.
    void hear_births();
    /// A child that is no known worker has died. Call hear_births() when all such were noticed.
    void notice_stray(const os::reaped& dead);

    void observe(observer who) { observers_.push_back(std::move(who)); }
    /// Called after each turn in which the group did something and nothing follows from it at once.
    void on_settled(std::function<void()> handler) { settled_ = std::move(handler); }

    const core::group& group() const { return group_; }
    /// When its first worker was started after a time without any; nothing: there is none.
    const std::optional<core::time_point>& running_since() const { return running_since_; }
    const config::group_settings& settings() const { return settings_; }
    /// As they were before anything was changed at run time.
    const config::group_settings& configured() const {
        return configured_ ? *configured_ : settings_;
    }
    const listener_set::list_type& listeners() const { return listeners_.list(); }
    const listener_set& open_listeners() const { return listeners_; }
    /// Where the output of its workers goes, if not where ours does.
    std::vector<output::log_status> logs() const { return around_.logs->status(settings_); }
    using preload_map = std::map<core::generation, std::shared_ptr<preload>>;
    const preload_map& preloads() const { return preloads_; }
    /// Replaces the settings that may change at run time. Program, environment and directory follow
    /// with the next generation.
    void change(const config::group_settings& wishes);
    /// The same with all settings, of a file that was read again, and the listeners to them. A
    /// group that is new, was retired or could not be started before is started. Returns whether
    /// workers run that only an upgrade will give the new settings.
    bool reconfigure(const config::group_settings& wishes, listener_set listeners,
                     std::unique_ptr<control_server> control);
    /// Whether it would need a control socket that it has not open.
    bool lacks_control(const config::group_settings& wishes) const;

    /// Stops the group for good: the file has it no more.
    void retire();
    bool is_retired() const { return retired_; }
    /// Whether it is retired and nothing is left of it.
    bool is_gone() const;

  private:
    using plan_result = os::result<os::spawn_plan>;

    void adopt(listener_set fresh);
    std::optional<std::string> open_control(const control_source& from);
    void schedule();
    void step();
    void perform(const core::action::begin_generation& what);
    void perform(const core::action::spawn& what);
    void perform(const core::action::signal& what);
    void perform(const core::action::run_stop_command& what);
    void perform(const core::action::tell& what);
    void note_running(const core::report& what);
    void forget_plans();
    void forget_old_listeners();
    static os::result<std::string> find_program(const config::group_settings& wishes,
                                                const surroundings& around);
    void begin_preload(core::generation number);
    void tend_preloads();
    void execute(const core::action::spawn& what);
    void take(birth what);
    void arm_timer();
    void take_over(const handoff::recipe& from);
    void take_over(const handoff::preload& from);
    preload::owner preload_owner();
    void notice_unseen_deaths();
    void open_notify_socket();
    void take_notifications(const std::vector<pid_t>& senders);
    const std::optional<os::identity>& identity_of(core::generation number) const;

    // What the settings ask for beside workers, see group_services.cpp.
    void open_services();
    void take_over_services(const handoff::group& from);
    void hand_over_services(handoff::group& into) const;
    void open_upgrader();
    upgrader::owner upgrader_owner();
    void open_live_check();
    void hear_touch(unsigned index);
    void open_auto_upgrade();
    auto_upgrade::owner auto_upgrade_owner();
    void follow_program();
    void tend_demand();
    void tend_stop_command();
    void end_services(const core::event_type& cause);
    bool can_upgrade() const;
    helper_process::owner stop_command_owner();
    os::result<os::spawn_recipe> make_helper_recipe(const std::vector<std::string>& words) const;
    void tell(const core::report& what);
    core::event_type spawn(const core::action::spawn& what, os::socket_pair& control);
    os::result<os::spawn_recipe> make_recipe(core::generation number) const;
    os::result<os::spawn_recipe> make_recipe(core::generation number,
                                             const config::group_settings& wishes) const;
    plan_result make_plan(core::generation number) const;
    std::vector<std::string> make_environment(core::generation number) const;

    boost::asio::io_context& context_;
    config::group_settings settings_;
    listener_set listeners_;
    std::string trouble_;
    std::unique_ptr<const config::group_settings> configured_; ///< if settings_ were changed since
    bool retired_ = false;
    const surroundings& around_;
    core::group group_;
    std::map<core::generation, plan_result> plans_;
    preload_map preloads_;
    std::unique_ptr<control_server> control_; ///< the group's own; null: it has none
    std::unique_ptr<notify_watch> notify_;
    std::shared_ptr<upgrader> upgrader_;
    std::shared_ptr<helper_process> stop_command_; ///< while it runs
    std::unique_ptr<live_check> live_check_;
    std::unique_ptr<auto_upgrade> auto_upgrade_;
    std::unique_ptr<demand_watch> demand_; ///< while the first client is awaited
    boost::asio::steady_timer timer_;
    std::optional<core::time_point> running_since_;
    std::list<observer> observers_;
    std::function<void()> settled_;
    bool scheduled_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true); ///< for handlers that outlive this
};

/// Names of options with the values for each, see config::change_at_run_time.
using option_changes = std::vector<std::pair<std::string, std::vector<std::string>>>;

/// Changes options of all `groups`, or of none: then it returns what is wrong.
std::optional<std::string> change_options(const std::vector<group_runner*>& groups,
                                          const option_changes& changes);

} // namespace einhyrningsins::master
