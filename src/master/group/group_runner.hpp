// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "core/group.hpp"
#include "handoff/state.hpp"
#include "master/control/control_server.hpp"
#include "master/group/group_context.hpp"
#include "master/group/group_services.hpp"
#include "master/group/listener_set.hpp"
#include "master/group/spawner.hpp"
#include "master/group/surroundings.hpp"
#include "master/group/worker_logs.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace einhyrningsins::master {

/// The shell of one group: turns what happens into events, and performs what the core decides. Owns
/// the group's listeners; its spawner makes the workers, its services do what else it asks for.
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
    void request_upgrade(core::upgrade_mode mode) { services_.request_upgrade(mode); }
    bool has_upgrader() const { return services_.has_upgrader(); }
    /// The programs beside workers that run now and end with the group: the master waits for them.
    std::vector<const helper_process*> helpers() const { return services_.helpers(); }

    /// Does what is decided until nothing follows from it at once.
    void settle();
    /// All that another master needs to go on; after settle().
    handoff::group hand_over() const;

    /// Takes the births that template processes (-p) have told. To be called before a process that
    /// is no known worker is taken for a stranger.
    void hear_births() { spawner_.hear_births(); }
    /// See group_context.
    std::optional<core::process_id> worker_above(core::process_id pid) const {
        return parts_.worker_above(pid);
    }
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
    /// Those that the workers of the generation in service have: the settings may ask for others.
    listener_set::list_type listeners_in_service() const;
    const listener_set& open_listeners() const { return listeners_; }
    /// Where the output of its workers goes, if not where ours does.
    std::vector<output::log_status> logs() const { return around_.logs->status(settings_); }
    const spawner::preload_map& preloads() const { return spawner_.preloads(); }
    /// Replaces the settings that may change at run time. Program, environment and directory follow
    /// with the next generation.
    void change(const config::group_settings& wishes);
    /// The same with all settings, of a file that was read again, and the listeners to them. A
    /// group that is new, was retired or could not be started before is started. Returns whether
    /// workers run that only an upgrade will give the new settings.
    bool reconfigure(const config::group_settings& wishes, listener_set listeners,
                     std::unique_ptr<control_server> control);
    /// Its own control socket; nullptr: it has none.
    control_server* control() const { return control_.get(); }
    /// The settings ask for what only an upgrade brings, which may fail.
    void await_upgrade() { made_from_ = group_.last_generation() + 1; }
    /// Whether the generation in service is older than what await_upgrade() waits for.
    bool is_behind() const;
    /// Whether it would need a control socket that it has not open.
    bool lacks_control(const config::group_settings& wishes) const;

    /// Stops the group for good: the file has it no more.
    void retire();
    bool is_retired() const { return retired_; }
    /// Whether it is retired and nothing is left of it.
    bool is_gone() const;

  private:
    group_context context_of_parts();
    void adopt(listener_set fresh);
    std::optional<std::string> open_control(const control_source& from);
    void notice_unseen_deaths();
    void schedule();
    void step();
    void perform(const core::action::begin_generation& what);
    void perform(const core::action::spawn& what);
    void perform(const core::action::signal& what);
    void perform(const core::action::run_stop_command& what);
    void perform(const core::action::tell& what);
    void tell(const core::report& what);
    void note_running(const core::report& what);
    void arm_timer();

    boost::asio::io_context& context_;
    config::group_settings settings_;
    listener_set listeners_;
    std::string trouble_;
    std::unique_ptr<const config::group_settings> configured_; ///< if settings_ were changed since
    bool retired_ = false;
    const surroundings& around_;
    core::group group_;
    const group_context parts_; ///< what services_ and spawner_ see of this
    group_services services_;
    spawner spawner_;
    std::unique_ptr<control_server> control_; ///< the group's own; null: it has none
    boost::asio::steady_timer timer_;
    std::optional<core::time_point> running_since_;
    core::generation made_from_ = 0; ///< see await_upgrade()
    std::list<observer> observers_;
    std::function<void()> settled_;
    bool scheduled_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true); ///< for handlers that outlive this
};

} // namespace einhyrningsins::master
