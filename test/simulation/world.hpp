// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/group.hpp"
#include "simulation/history.hpp"
#include "simulation/invariants.hpp"

#include <map>
#include <string>
#include <vector>

namespace einhyrningsins::simulation {

/// A fake process. It exists from the spawn action on, but is invisible before the answer.
struct process {
    core::worker_id id{};
    core::process_id pid = 0;
    bool starts = true; ///< false: the answer is that it could not be started
    obedience heeds{};
    core::duration stop_takes{};
    core::time_point answered_at;
    std::optional<core::time_point> acks_at;
    std::optional<core::duration> touches_every;
    std::optional<core::time_point> touches_at;
    std::optional<core::time_point> dies_at;
    core::exit_cause cause{core::exit_cause::kind_type::exited, 1};
    bool answered = false;
};

/// The machine that a group runs on, with its clock: it carries out the actions of the real group,
/// runs processes, and checks the invariants after every event and every decision. All functions
/// may throw `violation`. Copies are independent.
class world {
  public:
    /// `traced`: record what happens, for trace().
    explicit world(const history& what, bool traced = false);

    void perform(const step& what);

    /// Checks what must hold whatever has happened before: a running upgrade ends, and so does a
    /// stop.
    void finish();

    const core::group& group() const { return group_; }
    core::time_point now() const { return now_; }
    /// Events and actions with their times, one line each.
    const std::string& trace() const { return trace_; }

  private:
    void apply(const core::event_type& what);
    std::vector<core::action_type> reconcile();
    void settle();
    void check_processes() const;

    void perform(const core::action::begin_generation& what);
    void perform(const core::action::spawn& what);
    void perform(const core::action::signal& what);
    void perform(const core::action::run_stop_command&);
    void perform(const core::action::tell& what);
    void check_evidence(const core::worker& judged,
                        std::optional<core::time_point> process::*evidence,
                        std::optional<core::time_point> deadline) const;

    void pass(core::duration length);
    bool wait();
    void hold_up(core::duration length);
    void stall(core::duration length, unsigned read);
    bool deliver_due();
    std::optional<core::time_point> next_due() const;

    void answer(process& one);
    void exit(core::worker_id id);
    void hand_over();
    void strike(unsigned from_youngest, unsigned cause);
    void stale_news(step_kind kind, unsigned argument);
    process* pick(unsigned from_youngest);
    core::process_id free_pid() const;
    const program& program_of(core::generation number, unsigned ordinal) const;

    void finish_upgrade();
    void finish_stop();
    void stop(int signal, core::duration patience, bool must_end);
    bool is_determinate() const;
    bool obeys() const;
    void note(const std::string& what);

    core::group group_;
    invariants invariants_;
    core::time_point now_{};
    std::vector<core::policy> policies_;
    std::vector<program> programs_;
    core::duration answer_takes_;
    command_kind stop_command_;
    std::size_t deployed_ = 0;
    bool scarce_ = false;
    unsigned reloads_ = 0;
    std::map<core::generation, std::size_t> plans_; ///< as the shell keeps them: what each runs
    std::map<core::generation, unsigned> spawned_;  ///< how many of each
    std::vector<process> processes_;                ///< in the order of their start
    bool traced_;
    std::string trace_;
};

} // namespace einhyrningsins::simulation
