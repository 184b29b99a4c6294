// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "core/group.hpp"
#include "handoff/state.hpp"
#include "loop/alarm.hpp"
#include "master/control/control_server.hpp"
#include "master/group/group_context.hpp"
#include "master/group/group_services.hpp"
#include "master/group/leftovers.hpp"
#include "master/group/listeners.hpp"
#include "master/group/report_observers.hpp"
#include "master/group/spawner.hpp"
#include "master/group/surroundings.hpp"
#include "master/group/worker_logs.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <map>
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
    using observer = report_observers::observer;

    /// Goes on from a state, of another master or the first one: with its descriptors, or, where
    /// they are -1, with new ones. A group in trouble is opened by open(). Workers that ended
    /// unseen meanwhile are noticed at once.
    group_runner(boost::asio::io_context& context, const handoff::group& from,
                 const surroundings& around);
    /// Removes the files of the listeners.
    ~group_runner();
    group_runner(const group_runner&) = delete;
    group_runner& operator=(const group_runner&) = delete;

    /// What has to be looked up before check() with the same settings.
    static std::vector<os::any_query> queries_of(const config::group_settings& wishes,
                                                 const surroundings& around);
    /// Why no worker of `wishes` could be started, as far as can be seen beforehand, in one line.
    static std::optional<std::string> check(const config::group_settings& wishes,
                                            const surroundings& around, const os::look_ups& names);

    /// What has to be looked up before open().
    std::vector<os::any_query> queries() const;
    /// Opens the listeners, unless that has been done: to be called before the group is started.
    /// `names` has the answers to queries(). Returns why it is not possible, in one line; that is
    /// `trouble` then.
    std::optional<std::string> open(const os::look_ups& names);
    /// Looks up `left` beside the loop; then opens the group and starts it, or logs what is wrong.
    /// A stop comes in between, and so may another call. Returns why nothing can be looked up.
    std::optional<std::string> open_and_start(os::look_ups names, std::vector<os::any_query> left);
    /// Why the group cannot be started; empty: it can.
    const std::string& trouble() const { return trouble_; }

    /// The one door for everything that happens. What follows from it is done in the next turn of
    /// the loop, so that what happens together is decided together. A group that was retired is not
    /// started again.
    void notice(const core::event_type& what);

    /// An upgrade is asked for: it begins after the group's upgrader, if it has one, and unless
    /// that forbids it. What comes of it is reported, see core::report_of.
    void request_upgrade(const core::event::upgrade& wanted) { services_.request_upgrade(wanted); }
    bool has_upgrader() const { return services_.has_upgrader(); }
    /// What an upgrade that has not begun waits for, in words; empty: there is none.
    std::string awaited_by_upgrade() const { return services_.awaited_by_upgrade(); }
    /// The programs beside workers that run now and end with the group: the master waits for them.
    std::vector<const helper_process*> helpers() const { return services_.helpers(); }
    /// What workers have left behind, which the master waits for as well.
    const leftovers& left_behind() const { return leftovers_; }

    /// Does what is decided until nothing follows from it at once. Returns whether all of it was
    /// done: a step may fail, for want of memory say, and is tried again in a later turn.
    bool settle();
    /// Likewise, right before another master goes on: afterwards no child is on its way to its
    /// program.
    bool settle_for_good();
    /// All that another master needs to go on; after a settle() that returned true.
    handoff::group hand_over() const;

    /// Takes the births that template processes (-p) have told. To be called before a process that
    /// is no known worker is taken for a stranger.
    void hear_births() { spawner_.hear_births(); }
    /// Whether there is one to hear of.
    bool expects_births() const { return spawner_.expects_births(); }
    /// Whether a process is one of the group's beside its workers.
    bool has_child(core::process_id pid) const;
    /// Workers that are no children of this process any more have ended unseen: notices that.
    void notice_unseen_deaths();
    /// A worker of this group has died.
    void notice_death(const os::reaped& dead);
    /// Sends all workers a signal that tells them to go, beside the core's decisions: the master
    /// leaves.
    void send_to_all(int signal);
    /// A child that is no known worker has died. Call hear_births() when all such were noticed.
    void notice_stray(const os::reaped& dead);

    /// May be called by an observer, too; the new one hears of what happens from then on.
    void observe(observer hear) { observers_.add(std::move(hear)); }
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
    /// Whether any of its workers, or those that are to be started, run as another user than this
    /// process.
    bool runs_as_another() const;
    const listener_list& listeners() const { return listeners_; }
    /// Those that the workers of the generation in service have: the settings may ask for others.
    listener_list listeners_in_service() const;
    /// With those that only older generations have.
    listener_list all_listeners() const;
    /// Where the output of its workers goes, if not where ours does.
    std::vector<output::log_status> logs() const { return around_.logs->status(settings_); }
    const spawner::preload_map& preloads() const { return spawner_.preloads(); }
    /// Replaces the settings that may change at run time. Program, environment and directory follow
    /// with the next generation.
    void change(const config::group_settings& wishes);
    /// Changes the number of workers, which is at least 1. `signal`, or else the stop signal, tells
    /// those to go that are too many.
    void resize(unsigned number, std::optional<int> signal);
    /// The same with all settings, of a file that was read again, and the listeners to them. A
    /// group that is new, was retired or could not be started before is started. Returns whether
    /// workers run that only an upgrade will give the new settings.
    bool reconfigure(const config::group_settings& wishes, listener_list listeners,
                     std::unique_ptr<control_server> control, const os::look_ups& names);
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
    void replace_listeners(listener_list fresh);
    std::optional<std::string> open_control(const control_server::source& from);
    void take_identity(const os::look_ups& names);
    void keep_configured();
    void note_users();
    void change_identity(std::optional<os::identity> user);
    void list_worker(const core::worker& worker, const std::map<unsigned, unsigned>& users = {});
    std::map<unsigned, unsigned> users() const;
    void schedule();
    bool step();
    void look_for_life(core::time_point now);
    void tend();
    std::optional<std::string> attempt(const std::function<void()>& deed) const;
    void carry_out(std::vector<core::action_type> actions);
    bool answer_failure(const core::action_type& action, const std::string& reason);
    bool answer_failures();
    void tell_core_of_failure(const core::action::spawn& action, const std::string& reason);
    void tell_core_of_failure(const core::action::run_stop_command& action,
                              const std::string& reason);
    void tell_core_of_failure(const auto&, const std::string&) {} // nobody waits for an answer
    void perform(const core::action::begin_generation& what);
    void perform(const core::action::spawn& what);
    void perform(const core::action::signal& what);
    void perform(const core::action::run_stop_command& what);
    void perform(const core::action::tell& what);
    void tell(const core::report& what);
    void note_running(const core::report& what);
    void set_turn();

    boost::asio::io_context& context_;
    config::group_settings settings_;
    listener_list listeners_;       ///< of new generations
    loop::background::job opening_; ///< see open_and_start()
    bool starts_when_opened_ = false;
    std::string trouble_;
    std::unique_ptr<const config::group_settings> configured_; ///< if settings_ were changed since
    bool retired_ = false;
    bool ran_as_another_ = false;          ///< when it was looked at last
    std::optional<os::identity> identity_; ///< whom new workers run as; nothing: as the master
    const surroundings& around_;
    core::group group_;
    const group_context parts_; ///< what services_ and spawner_ see of this
    group_services services_;
    spawner spawner_;
    leftovers leftovers_;
    std::unique_ptr<control_server> control_; ///< the group's own; null: it has none
    loop::alarm turn_;
    std::optional<core::time_point> running_since_;
    core::generation made_from_ = 0; ///< see await_upgrade()
    report_observers observers_;
    std::function<void()> settled_;
    std::vector<core::action_type> unanswered_; ///< that have failed, see answer_failures()
    bool scheduled_ = false;                    ///< the next turn is to come at once
};

} // namespace einhyrningsins::master
