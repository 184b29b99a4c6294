// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "simulation/snapshot.hpp"

#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace einhyrningsins::simulation {

/// Thrown when an invariant is violated.
class violation : public std::runtime_error {
  public:
    violation(const std::string& name, const std::string& detail)
        : std::runtime_error(name + ": " + detail),
          name_(name) {}

    /// The name of the invariant.
    const std::string& name() const { return name_; }

  private:
    std::string name_;
};

/// Observes a group from its beginning and throws a violation when it breaks a promise of SPEC
/// section 7. Relies only on what can be seen: the events, the actions and the table.
class invariants {
  public:
    explicit invariants(const core::group& group);

    /// To be called after an event.
    void applied(const core::group& group, const core::event_type& what, core::time_point now);
    /// To be called after a decision, before its actions are carried out.
    void reconciled(const core::group& group, const std::vector<core::action_type>& actions,
                    core::time_point now);
    /// To be called when nothing is left to decide or carry out at present.
    void settled(core::time_point now) const;

  private:
    /// Consecutive failures in one generation.
    struct row {
        unsigned failures = 0;       ///< deaths before ack
        unsigned scarcities = 0;     ///< spawns that the machine had no room for
        unsigned rapid = 0;          ///< deaths of ready workers within a second of their start
        core::time_point earliest{}; ///< when a missing worker may be started
    };

    /// What a worker that has to go was told.
    struct telling {
        core::time_point at;
        bool hurried = false; ///< it missed its ack
        bool again = false;   ///< by a stop
        unsigned escalations = 0;
    };

    void advance(const core::group& group, core::time_point now);
    void take_acks();
    void take_ack(core::generation number);
    void take_tellings();
    void take_orders(const core::event_type& what);
    void take_opening(const core::event_type& what);
    void take_stop(const core::event::stop& what);
    void take_signs(const core::event_type& what);
    void take_stall(const core::event_type& what);
    void take_signals(const core::event_type& what);
    core::duration excused(core::worker_id which) const;
    void take_end(const core::event_type& what);
    void take_generation();

    // In every step.
    void check_table() const;
    void check_moves() const;
    void check_new_records() const;
    void check_phase() const;
    void check_end() const;
    void check_promised_upgrade();
    void check_roll_back() const;

    // In an event.
    void check_stale(const core::event_type& what) const;
    void check_ack(const core::event_type& what) const;
    void check_who_is_told(const core::event_type& what) const;
    void check_who_is_added(const core::event_type& what) const;
    void take_failure(const core::event_type& what);
    void take_failure(core::generation number, bool scarce);
    void take_rapid_death(const core::event_type& what);
    unsigned crash_loop(core::generation number) const;

    // In a decision.
    void check(const core::action::begin_generation& what);
    void check(const core::action::spawn& what);
    void check(const core::action::signal& what);
    void check(const core::action::run_stop_command&);
    void check(const core::action::tell& what);
    void check_report(const core::report_of::worker_acked& what);
    void check_report(const core::report_of::ack_overdue& what);
    void check_report(const core::report_of::gave_up& what);
    void check_report(const core::report_of::escalated& what);
    void check_report(const core::report_of::live_check_missed& what);
    void check_report(const core::report_of::upgrade_refused& what);
    void check_report(const core::report_of::upgrade_joined& what);
    void check_report(const core::report_of::upgrade_overtaken& what);
    void check_report(const core::report_of::upgrade_put_off& what);
    void check_report(const core::report_of::upgrade_began& what);
    void check_report(const core::report_of::upgrade_done& what);
    void check_report(const core::report_of::upgrade_aborted& what);
    void check_report(const auto&) const {}
    void check_answers();
    void take_outcome(const char* what);
    void check_beginning() const;
    void check_silent() const;
    void check_signals() const;
    void check_none(const core::action::spawn& what) const;
    void check_capacity() const;
    void check_old_ones() const;
    void check_fleet() const;
    void check_surplus() const;
    void check_back_off() const;

    // When all is decided.
    void check_deadline() const;
    void check_waiting() const;
    void check_signs() const;
    void check_unacked() const;
    void check_sleep() const;
    void check_missing_new_ones() const;
    void check_missing_old_ones() const;
    bool will_try_again() const;
    unsigned upper_limit() const;
    unsigned wanted_old_ones() const;
    unsigned missing_old_ones() const;

    bool has_restarted() const;
    bool stops_first() const;
    bool is_begun() const; ///< a waiting group has nothing more to wait for
    bool ends_for_good(const record& who, const core::event_type& how) const;
    unsigned wanted() const;
    unsigned failure_limit() const;
    std::vector<record> told() const;  ///< who was active before and is stopping now, as before
    std::vector<record> added() const; ///< who was not there before

    snapshot before_;
    snapshot after_;
    core::policy wishes_;
    unsigned number_;           ///< of the wishes before the last event
    core::duration live_check_; ///< likewise
    core::time_point now_{};
    bool counting_ = false;      ///< deaths before ack have consequences
    core::generation begun_ = 0; ///< the last that was
    std::map<core::generation, row> rows_;
    std::set<core::generation> acked_;                       ///< generations of which a worker has
    std::map<core::worker_id, core::time_point> started_at_; ///< of those that live
    std::map<core::worker_id, telling> tellings_;
    std::set<std::pair<core::worker_id, int>> sent_; ///< signals, in this decision
    std::set<int> forwarded_;                        ///< signals that the operator sends on
    core::generation spawned_ = 0;                   ///< the last that was
    unsigned requests_ = 0;                          ///< for upgrades, since the last decision
    unsigned answers_ = 0;                           ///< to them
    bool awaited_ = false;      ///< an upgrade has begun, by the reports, and no outcome has come
    bool overtaken_ = false;    ///< and another was promised
    bool put_off_ = false;      ///< and the restart has to end first
    bool owes_upgrade_ = false; ///< another was asked for when one had begun to start workers
    core::time_point last_trouble_{}; ///< a death or a failure
    unsigned highest_limit_ = 0;      ///< upper_limit() while the upgrade under way lasts
    unsigned kept_ = 0;               ///< capacity when the upgrade under way began
    unsigned ended_ = 0;              ///< for good, of the workers that are wanted
    unsigned old_ended_ = 0;          ///< likewise, of the old ones of an upgrade
    core::time_point opened_at_{};
    bool demanded_ = false;
    std::map<core::worker_id, core::time_point> signs_; ///< of life; the ack is one
    std::vector<core::worker_id> silent_;               ///< killed for it, in this decision
    std::map<core::worker_id, core::duration> excused_; ///< of starting and ready ones
    std::map<core::generation, std::optional<int>> upgrade_signals_; ///< by what the old ones go
    std::optional<int> next_signal_;   ///< likewise, of the upgrade that has to wait
    std::optional<int> ack_signal_;    ///< of an ack since the last decision
    std::optional<int> resize_signal_; ///< of a resize since then
    unsigned commands_ = 0;            ///< stop commands that may be run
    bool owes_command_ = false;
    std::set<core::worker_id> commanded_; ///< whom the stop command tells to go, and nobody else
};

} // namespace einhyrningsins::simulation
