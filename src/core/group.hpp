// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/action.hpp"
#include "core/event.hpp"
#include "core/group_state.hpp"

#include <map>
#include <optional>
#include <random>
#include <vector>

namespace einhyrningsins::core {

/// The process table of one group and the decisions about it (SPEC section 7). A deterministic
/// state machine: events and the time go in, actions come out, and nothing else is touched. Counts
/// are derived from the table.
///
/// The shell's loop, whole: `apply` an event, perform what `reconcile` returns (feeding the answers
/// to action::spawn back with `apply`) until it returns nothing, set a timer to `next_deadline`,
/// wait. Calling `reconcile` more often than that does no harm.
class group {
  public:
    /// `seed` steers the jitter of the back-off.
    group(const policy& wishes, unsigned seed);

    /// Goes on where another master has left off. `state` is without contradiction. Spawns that it
    /// had asked for and got no answer to are forgotten, and decided anew, unless `spawns_go_on`:
    /// somebody is still about to answer them.
    group(group_state state, unsigned seed, bool spawns_go_on = false);

    /// All that it knows. To be taken after reconcile() has returned nothing more.
    group_state state() const;

    /// Takes notice of `what`. News about processes and ids that are not in the table are ignored.
    void apply(const event_type& what, time_point now);

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
    /// Whether event::upgrade has an effect now.
    bool can_upgrade() const;
    const policy& wishes() const { return state_.wishes; }
    /// In order of their start. A worker with pid 0 has not been spawned yet.
    const std::vector<worker>& workers() const { return state_.workers; }
    const worker* find(process_id pid) const;
    /// The workers that have been spawned, in the order of their start.
    std::vector<process_id> processes() const;
    /// Those of them that were not told to go.
    std::vector<process_id> active_processes() const;
    const lineage& current() const { return state_.current; }
    const std::optional<upgrade_progress>& upgrade() const { return state_.upgrade; }
    const std::optional<death>& last_death() const { return state_.last_death; }
    /// The workers that serve: ready ones that were not told to go.
    unsigned capacity() const;
    /// Whether some worker may still be started in that generation.
    bool needs(core::generation number) const;

  private:
    void on(const event::open&, time_point now);
    void on(const event::demanded&, time_point now);
    void on(const event::start&, time_point now);
    void on(const event::stop& what, time_point now);
    void on(const event::stop_command_failed&, time_point now);
    void on(const event::restart&, time_point now);
    void on(const event::forward& what, time_point now);
    void on(const event::upgrade& what, time_point now);
    void on(const event::resize& what, time_point now);
    void on(const event::reconfigure& what, time_point now);
    void on(const event::spawned& what, time_point now);
    void on(const event::spawn_failed& what, time_point now);
    void on(const event::exited& what, time_point now);
    void on(const event::acked& what, time_point now);
    void on(const event::touched& what, time_point now);
    void on(const event::pinged& what, time_point now);

    // The steps of reconcile.
    void end_wait(time_point now);
    void settle_due_acks(time_point now);
    void kill_silent(time_point now);
    void send_firmer_signals(time_point now);
    void advance_upgrade(time_point now);
    void release_old(time_point now);
    void retire_old(unsigned count, time_point now);
    void retire_surplus(time_point now);
    void refill(time_point now);
    bool stops_first() const;
    bool keeps_previous() const;
    bool waits_for_old() const;
    unsigned missing_old() const;
    void refill_previous(time_point now);
    void announce_waiting(lineage& line, time_point now);
    void announce_held(const census& count);
    void finish_stop(time_point now);
    void finish_life();
    unsigned spawns_unanswered() const;
    void request_spawns();

    void run(time_point now);
    void begin_generation();
    void begin_upgrade(upgrade_mode mode, time_point now);
    void finish_upgrade(time_point now);
    void abort_upgrade(time_point now);
    void close_upgrade(std::string reason, std::optional<unsigned> serving);
    void give_up();

    void ack(worker& who, time_point now);
    void miss_ack(worker& who, time_point now);
    void die_ready(const worker& who, const death& how, time_point now);
    void miss_live_check(worker_id id, time_point now);
    void replace_at_once(const worker& lost, time_point now);
    void end_for_good(const worker& who);
    void want_ended_again();
    void fail(core::generation number, failure what, time_point now);
    void wait_after(lineage& line, unsigned row, time_point now);

    void add(core::generation number, unsigned count, time_point now);
    void set_state(worker& who, worker_state state);
    void dismiss(worker& who, int signal, haste how, time_point now);
    void dismiss_all(int signal, time_point now);
    void dismiss_by_command(time_point now);
    void dismiss_unacked(core::generation number, time_point now);
    void retire(worker_id id, time_point now);
    void drop_unrequested(core::generation number);
    worker remove(worker_id id);
    bool will_signal(worker_id id, int signal) const;
    void cancel_signals(worker_id id);

    worker* find_mutable(process_id pid);
    worker* find_mutable(worker_id id);
    lineage* lineage_of(core::generation number);
    bool is_old(const worker& who) const;
    bool is_on_trial(const worker& who) const;
    unsigned wanted(const lineage& line) const;
    template <class Rank, class Predicate>
    std::vector<worker_id> choose(unsigned count, Rank rank, Predicate eligible) const;
    census take_census() const;
    unsigned free_index() const;
    void tell(report what);

    group_state state_;
    std::minstd_rand random_;
    std::vector<action_type> actions_; ///< decided, not yet returned
};

} // namespace einhyrningsins::core
