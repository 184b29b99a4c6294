// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/action.hpp"
#include "core/action_queue.hpp"
#include "core/event.hpp"
#include "core/group_state.hpp"
#include "core/process_table.hpp"

#include <cstdint>
#include <optional>
#include <random>
#include <vector>

namespace einhyrningsins::core {

/// The decisions about one group of workers (SPEC section 7): a deterministic state machine over
/// plain data. Events and the time go in, actions come out, and nothing else is touched.
///
/// THE STATE MODEL
///
/// The state of a group has four parts: its phase, its current generation, sometimes an upgrade,
/// and the table of its workers. The life of a single worker is drawn at core::worker_state.
///
/// *The phase* says whether workers are wanted, and whether any are there:
///
///     stopped    none is wanted, none is there
///     waiting    likewise, but the group will start by itself
///     running    policy::number workers are wanted
///     stopping   none is wanted, some are still there
///     given_up   those that are there are kept, none is started
///
/// and it changes
///
///     from       to         when
///     stopped    waiting    event::open
///                running    start, restart
///     waiting    running    the warm-up is over and, with on_demand, the first client has come;
///                           start, restart
///                stopping   stop
///     running    stopping   stop, restart
///                given_up   more than policy::retries failures in a row, outside an upgrade
///                stopped    all workers have ended for good
///     stopping   stopped    the last worker has gone; after a restart it goes on to running, with
///                           an upgrade if one was asked for
///                running    start
///     given_up   running    start, upgrade
///                stopping   stop, restart
///
/// *A generation* is what workers are made from: program, arguments, environment, directory,
/// listeners. The core knows only its number, which goes up by one with every start and every
/// upgrade and is never used again; the shell finds out what the number stands for when it is told
/// action::begin_generation, and keeps that for as long as needs() says so. In an upgrade that is
/// just before the first worker is asked for, so that what is found is the newest. The `lineage` of
/// a generation is its account: whether it is *proven* (a worker of it has acked), its failures in
/// a row, and its back-off. Missing workers are started in the *current* generation. Workers of
/// other generations may be there for a long time, since those that were told to go may take it;
/// without an upgrade they count like all others until then.
///
/// *An upgrade* is there only while the group runs. It leads from the *previous* generation to the
/// current one, which is new. Every worker that is not of the current generation is *old*.
///   - Until the current generation is proven it is *on trial*: no old worker is told to go, and
///     old ones that are lost are replaced by others of the previous generation, so that as many
///     serve as when the upgrade began. A death before ack is a failed attempt.
///   - Then each ack lets one old worker go (rolling), or the last ack all of them (fleet), and
///     whoever is lost is replaced by a new one.
///   - With ack_none there is no trial: all old workers go first, and new ones are started when the
///     last has gone.
///   - It ends as *done* when all workers wanted of the current generation are ready and the last
///     old one has been told to go; as *aborted* when upgrade_failure_limit() attempts in a row
///     have failed: then the previous generation is the current one again, and new workers without
///     an ack are told to go; or with a stop, also as aborted.
///   - A restart does not end it, but puts it off until the workers have gone: another begins
///     then, with nothing old to replace. One that is asked for during a restart is put off, too.
///   - Another request joins it as long as no new worker has been asked for, see joined(). Later,
///     the upgrade is *overtaken*: when it ends, or after a second, another begins in its place,
///     from the current generation if that is proven, else from the same previous one. Further
///     requests join that.
/// Each request is answered, and whoever waits hears of exactly one end; see report_of.
///
/// *Failures.* A ready worker that dies is replaced at once. A death before ack, a spawn that
/// failed, and each death too many in a crash loop (see crash_loop_length) begin a *back-off* of
/// its lineage, which an ack ends if no crash loop goes on. A spawn that the machine had no room
/// for does so, too, but is never counted as a failure. With restart_policy other than `always` a
/// worker may end *for good*: one less is wanted of its lineage.
///
/// WHO DECIDES
///
/// apply() takes notice of an event. It changes the workers that the event is about, the phase, and
/// the account of the generation; only a stop tells others to go. What is missing, too many or
/// overdue by now is found by reconcile() alone, in one list of steps, whatever has led to it: so
/// start, crash, resize, upgrade, abort and stop are one path. Each step also says when it is due
/// next by itself; the earliest of these is next_deadline().
///
/// The shell's loop, whole: `apply` an event, perform what `reconcile` returns (feeding the answers
/// to action::spawn back with `apply`) until it returns nothing, set a timer to `next_deadline`,
/// wait. Calling `reconcile` more often than that does no harm.
class group {
  public:
    /// `seed` steers the jitter of the back-off.
    group(const policy& policy, unsigned seed);

    /// Goes on where another master has left off. `state` is without contradiction. Spawns that it
    /// had asked for and got no answer to are forgotten, and decided anew, unless `spawns_go_on`:
    /// somebody is still about to answer them.
    group(group_state state, unsigned seed, bool spawns_go_on = false);

    /// All that it knows. To be taken after reconcile() has returned nothing more.
    group_state state() const;

    /// Takes notice of an event.
    void apply(const event_type& event, time_point now);

    /// What is missing, what is too many, what is overdue: the actions that mend it. Asks for at
    /// most 16 spawns at a time, so that a shell with other things to do is not kept for long;
    /// while more are wanted, and answers are not overdue, next_deadline() is in the past.
    std::vector<action_type> reconcile(time_point now);

    /// When reconcile will have something to do if no event comes before; nothing: never.
    std::optional<time_point> next_deadline() const;

    /// Whether the group starts with event::demanded: the shell has to watch its listeners.
    bool awaits_demand() const;
    /// The number that the newest generation has, or had.
    generation last_generation() const { return state_.last_generation; }
    group_phase phase() const { return state_.phase; }
    /// Whether it is being stopped by a restart.
    bool is_restarting() const { return state_.start_again; }
    /// Whether event::upgrade is not refused now.
    bool can_upgrade() const;
    /// The number of event::upgrade that this object has heard.
    std::uint64_t upgrades_asked() const { return upgrades_asked_; }
    const policy& wishes() const { return state_.wishes; }
    /// In the order of their ids. Not all of them have a process.
    const std::vector<worker>& workers() const { return table_.workers(); }
    /// nullptr: there is none.
    const worker* find(worker_id id) const { return table_.find(id); }
    /// The one whose process this is; nullptr: it is none of the group's.
    const worker* find(process_id pid) const { return table_.find(pid); }
    /// The id of the one whose process this is. For a process that is none of the group's: an id of
    /// nobody, which no event has an effect on.
    worker_id id_of(process_id pid) const;
    /// Of all workers that have a process, in the order of their start.
    std::vector<process_id> processes() const;
    /// Those of them that were not told to go.
    std::vector<process_id> active_processes() const;
    const lineage& current() const { return state_.current; }
    const std::optional<upgrade_progress>& upgrade() const { return state_.upgrade; }
    const std::optional<death>& last_death() const { return state_.last_death; }
    /// The workers that serve: ready ones that were not told to go.
    unsigned capacity() const { return table_.capacity(); }
    /// Whether some worker may still be started in that generation.
    bool needs(core::generation number) const;

  private:
    struct step;
    static const step steps[];

    // Events: group.cpp
    void on(const event::open&, time_point now);
    void on(const event::demanded&, time_point now);
    void on(const event::start&, time_point now);
    void on(const event::stop& event, time_point now);
    void on(const event::stop_command_failed&, time_point now);
    void on(const event::restart& event, time_point now);
    void on(const event::forward& event, time_point now);
    void on(const event::upgrade& event, time_point now);
    void on(const event::resize& event, time_point now);
    void on(const event::reconfigure& event, time_point now);
    void on(const event::spawned& event, time_point now);
    void on(const event::spawn_failed& event, time_point now);
    void on(const event::exited& event, time_point now);
    void on(const event::acked& event, time_point now);
    void on(const event::touched& event, time_point now);
    void on(const event::pinged& event, time_point now);
    void on(const event::stalled& event, time_point now);
    void on(const event::unheard& event, time_point now);

    // The steps of reconcile, and when each is due: reconcile.cpp
    void end_wait(time_point now);
    std::optional<time_point> wait_ends() const;
    void settle_acks(time_point now);
    std::optional<time_point> ack_due(const worker& worker) const;
    void kill_silent(time_point now);
    std::optional<time_point> sign_due(const worker& worker) const;
    void send_firmer_signals(time_point now);
    std::optional<time_point> firmer_signal_due(const worker& worker) const;
    void advance_upgrade(time_point now);
    std::optional<time_point> overtaking_due() const;
    void retire_surplus(time_point now);
    void refill(time_point now);
    std::optional<time_point> back_off_ends() const;
    void finish_stop(time_point now);
    void finish_life(time_point now);
    void request_spawns(time_point now);
    std::optional<time_point> request_due() const;

    using due_of_worker = std::optional<time_point> (group::*)(const worker&) const;
    template <due_of_worker Due>
    std::optional<time_point> earliest() const;
    template <due_of_worker Due>
    std::vector<worker_id> overdue(time_point now) const;

    // Phases and generations: group.cpp
    void run(time_point now);
    void stop(const event::stop& event, time_point now);
    void begin_generation();
    void give_up();
    void add(core::generation number, unsigned count, time_point now);
    lineage* lineage_of(core::generation number);
    unsigned wanted() const { return state_.current.wanted(state_.wishes); }
    census take_census() const;

    // Upgrades: upgrade.cpp
    void begin_upgrade(const event::upgrade& request, time_point now);
    void finish_upgrade(time_point now);
    void put_off_upgrade();
    void end_upgrades(const std::string& reason);
    void abort_upgrade(time_point now);
    void tell_aborted(std::string reason, std::optional<unsigned> serving);
    void leave_upgrade();
    void release_old(time_point now);
    void retire_old(unsigned count, time_point now);
    void refill_previous(time_point now);
    bool is_old(const worker& worker) const;
    bool is_on_trial(const worker& worker) const;
    bool stops_first() const;
    bool keeps_previous() const;
    bool waits_for_old() const;
    unsigned missing_old() const;
    int upgrade_signal() const;
    void announce_held(const census& count);

    // Acks and failures: failure.cpp
    void ack(worker& worker, time_point now);
    void miss_ack(worker& worker, time_point now);
    void miss_sign(worker& worker, time_point now);
    void die_ready(const worker& dead, const death& how, time_point now);
    void replace_at_once(core::generation lost, time_point now);
    void end_for_good(const worker& ended);
    void want_ended_again();
    void fail(core::generation number, failure failed, time_point now);
    void wait_after(lineage& line, unsigned row, time_point now);
    void announce_back_off(lineage& line, time_point now);

    // Who is told to go: dismissal.cpp
    void dismiss(worker& worker, int signal, haste how, time_point now);
    void dismiss_all(int signal, time_point now);
    void dismiss_by_command(time_point now);
    void dismiss_unacked(core::generation number, int signal, time_point now);
    void retire(worker_id id, int signal, time_point now);

    group_state state_; ///< but for the workers
    process_table table_;
    std::minstd_rand random_;
    action_queue out_;
    /// Of events since the last decision: by which signal workers go that an ack, or a resize, has
    /// made superfluous. Nothing: by the usual one.
    std::optional<int> ack_signal_, resize_signal_;
    std::uint64_t upgrades_asked_ = 0;
};

} // namespace einhyrningsins::core
