// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/event.hpp"
#include "core/report.hpp"
#include "core/time.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace einhyrningsins::machine {

/// What the shell is to do for a preparation, in this order.
namespace preparation_action {

/// Start the upgrader, and answer with started() or ended() for that run before any other event.
struct start {
    unsigned run;
};
/// Tell the upgrader to go; `why` is for the log. Its end is still to be reported with ended().
struct stop {
    std::string why;
};
/// Look the user up, and answer with found() for that number.
struct look_up {
    unsigned number;
};
/// The answer of the look-up under way is not wanted any more.
struct withdraw {};
/// Upgrade the group.
struct upgrade {
    core::event::upgrade wanted;
};
/// Tell the log and whoever waits for the upgrade.
struct tell {
    core::report news;
};
/// Write to the log.
struct note {
    core::severity level;
    std::string text;
};

} // namespace preparation_action

using preparation_action_type =
    std::variant<preparation_action::start, preparation_action::stop, preparation_action::look_up,
                 preparation_action::withdraw, preparation_action::upgrade,
                 preparation_action::tell, preparation_action::note>;

/// Decides about what comes before the upgrades of a group (SPEC 6): its upgrader, a program of the
/// user's that may forbid them, and that may find out by itself, at an interval, that there is
/// something new; and the look-up of the user that the workers run as. A deterministic state
/// machine: events and the time go in, actions come out.
///
/// There is one preparation at a time, with at most one process and one look-up. The phases:
///
///     resting     nothing is under way, and nobody waits for an upgrade
///     wanted      an upgrade was requested, and the next tick() begins. A request therefore
///                 returns before anything is told about it
///     running     the upgrader runs, because of a request or because its interval has passed
///     leaving     the upgrader was told to go (the group is being stopped, say). Its outcome does
///                 not count; those who waited have been told. Further requests wait until it has
///                 ended
///     accepted    the upgrader has nothing against the upgrade, and the next tick() goes on
///     looking_up  the user is being looked up
///
///     from        to          when
///     resting     wanted      request(), if there is something to prepare
///                 running     tick(), if the interval has passed and the group can be upgraded
///     wanted      running     tick(), if there is an upgrader
///     wanted,     looking_up  tick(), if there is a user to look up
///     accepted    resting     tick(), if there is none: the upgrade follows
///     running     accepted    ended(), if it ended well
///                 resting     ended(), if it did not
///     leaving     wanted      ended(), if there was a request since
///                 resting     ended(), if there was none
///     looking_up  resting     found(): the upgrade follows, unless that has failed; tick(), when
///                             the look-up takes longer than longest_look_up
///                 accepted    change(), if it is about another user now
///     running     leaving     cancel(); change(), if there is no upgrader any more
///     wanted, accepted, looking_up:
///                 resting     cancel()
///
/// All requests of one preparation are joined to one, see core::joined(), and come to the same end,
/// exactly one: preparation_action::upgrade or report_of::upgrade_cancelled. If the group cannot be
/// upgraded any more it is the former, which the core refuses. With nothing to prepare the upgrade
/// follows at once.
///
/// The interval is counted from the end of the last run; a run that is due while the group cannot
/// be upgraded is put off by another interval. News of earlier runs and look-ups, and ticks that
/// come too early or too late, are harmless.
class preparation {
  public:
    using actions = std::vector<preparation_action_type>;
    enum class phase { resting, wanted, running, leaving, accepted, looking_up };

    /// A look-up that takes longer than that is logged.
    static constexpr core::duration slow_look_up = std::chrono::seconds(1);
    /// Then it is given up.
    static constexpr core::duration longest_look_up = std::chrono::seconds(30);

    struct settings_type {
        std::string upgrader;      ///< names the program in reports; empty: there is none
        core::duration interval{}; ///< of its runs; zero: it runs on request only
        std::string user;          ///< to be looked up, in words ("user www"); empty: nobody
    };
    /// All that another master has to know to go on. A process that runs then is that of run 0. A
    /// look-up cannot be handed over: hand over `accepted` instead.
    struct state_type {
        phase now = phase::resting;
        std::optional<core::event::upgrade> asked; ///< by all requests without an answer
        std::optional<core::time_point> next;      ///< when it is to run without a request
        bool operator==(const state_type&) const = default;
    };

    /// Goes on from `state`; at a cold start there is nothing in it.
    preparation(settings_type settings, state_type state, core::time_point now);

    const state_type& state() const { return state_; }
    /// What a request waits for; empty: nobody waits.
    std::string awaited() const;

    [[nodiscard]] actions request(const core::event::upgrade& wanted);
    /// Nothing will come of the requests so far; `why` says so to those who wait.
    [[nodiscard]] actions cancel(const std::string& why);
    /// A run that is planned is not put off by a longer interval.
    [[nodiscard]] actions change(settings_type settings, core::time_point now);
    /// The answer to action::start.
    [[nodiscard]] actions started(unsigned run, core::process_id pid);
    /// The process has ended, or could not be started. `failure` is empty after exit code 0.
    [[nodiscard]] actions ended(unsigned run, const std::string& failure, core::time_point now);
    /// The answer to action::look_up. `failure` is empty if the user was found.
    [[nodiscard]] actions found(unsigned number, const std::string& failure);
    /// Time has passed. `can_upgrade`: see core::group::can_upgrade.
    [[nodiscard]] actions tick(core::time_point now, bool can_upgrade);

    /// When tick() is to be called if no other event comes before; nothing: never.
    std::optional<core::time_point> next_deadline() const;

  private:
    bool has_process() const;
    actions run();
    actions run_by_itself(core::time_point now, bool can_upgrade);
    actions go_on(core::time_point now, bool can_upgrade);
    actions judge_look_up(core::time_point now);
    actions conclude();
    actions fail(const std::string& why);
    void plan(core::time_point now);

    settings_type settings_;
    state_type state_;
    unsigned run_ = 0, look_up_ = 0; ///< the last ones
    core::time_point look_up_due_;   ///< when the look-up under way is judged next
    bool slowness_told_ = false;     ///< that it is slow has been logged
};

} // namespace einhyrningsins::machine
