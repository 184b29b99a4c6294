// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "simulation/invariants.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace einhyrningsins::simulation {

/// How the processes of one generation behave.
struct temperament {
    std::optional<core::duration> acks_after = core::duration::zero(); ///< nothing: never
    std::optional<core::duration> dies_after; ///< by itself, counted from its start
    std::optional<core::duration> obeys_after =
        core::duration::zero(); ///< nothing: only SIGKILL ends it
    bool fails_to_start = false;
    bool is_too_much = false; ///< the machine has no room for it
};

/// A clock, processes that exist nowhere else, and a group that believes in them. Performs the
/// group's actions, feeds it the news, and checks the invariants in every turn.
class world {
  public:
    world(const core::policy& wishes, unsigned seed);

    /// How processes that are started from now on behave.
    void set_temperament(const temperament& how) { temperament_ = how; }
    /// Spawns are answered so much later, with other news in between.
    void set_answer_delay(core::duration delay) { answer_delay_ = delay; }

    /// Something happens now.
    void happen(const core::event_type& what);
    /// Ends the process that has run for longest in that state, as if from outside; returns whether
    /// there is one.
    bool strike(core::worker_state state, int signal);
    bool acknowledge_oldest();
    void acknowledge_all();
    /// News about processes that the group does not know: nothing may change.
    void spread_rumours(core::process_id pid);

    /// Lets time pass until `length` is over, with all that becomes due.
    void pass(core::duration length);
    /// To the next thing that is due; returns whether there was one within `limit`.
    bool pass_to_next(core::duration limit);

    const core::group& group() const { return group_; }
    core::time_point now() const { return now_; }
    /// All events and actions so far, a line each.
    std::string history() const;

  private:
    struct process {
        core::worker_id id;
        core::generation generation;
        temperament how;
        core::time_point born;
        bool answered = false;
    };
    struct news {
        enum class kind_type { answer, ack, exit } kind;
        core::process_id pid;
        core::worker_id id;
        core::exit_cause cause;
    };

    void turn_once(const core::event_type* what);
    void perform(const core::action_type& what);
    void start(const core::action::spawn& what);
    void deliver(const core::action::signal& what);
    void announce(const news& what);
    void schedule(core::duration delay, news what);
    void end(core::process_id pid, const core::exit_cause& cause);
    void table_and_world_agree() const;
    void note(std::variant<core::event_type, core::action_type> what);

    struct entry {
        core::time_point when;
        std::variant<core::event_type, core::action_type> what;
    };

    core::time_point now_{};
    core::group group_;
    invariants rules_;
    temperament temperament_;
    core::duration answer_delay_{};
    std::map<core::process_id, process> processes_;
    std::multimap<core::time_point, news> pending_;
    core::process_id last_pid_ = 0;
    std::vector<std::shared_ptr<const entry>> history_; ///< shared by copies of the world
};

} // namespace einhyrningsins::simulation
