// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/group.hpp"

#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

namespace einhyrningsins::core {

/// Actions or reports in order.
struct lines : std::vector<std::string> {
    using std::vector<std::string>::vector;
};

/// A group with a shell that answers immediately, for tests that read like the life of a group. The
/// first process has pid 101, the next one 102, and so on; pids are not reused.
class life {
  public:
    explicit life(const policy& wishes) : group_(wishes, 1) {}

    const core::group& group() const { return group_; }
    time_point now() const { return now_; }
    worker_id id(process_id pid) const { return group_.id_of(pid); }

    /// Applies the event and everything that follows from it immediately.
    void happens(const event_type& what);
    /// Applies only the event: another one comes before the group decides.
    void happens_first(const event_type& what) { group_.apply(what, now_); }
    /// Lets time pass; the group does what becomes due.
    void pass(duration length);

    void start() { happens(event::start{}); }
    void ack(process_id pid) { happens(event::acked{id(pid)}); }
    void exit(process_id pid, exit_cause how = {exit_cause::kind_type::exited, 1}) {
        happens(event::exited{id(pid), how});
    }
    /// Makes spawns fail from now on; an empty reason ends this.
    void refuse(std::string reason, bool scarce = false) {
        reason_ = std::move(reason);
        scarce_ = scarce;
    }

    /// Spawns and signals since the last call, as "spawn 101 index 0 generation 1" and "SIGTERM to
    /// 101".
    lines deeds() { return std::exchange(deeds_, {}); }
    /// The reports since the last call.
    lines news() { return std::exchange(news_, {}); }
    /// The same: whether one of these reports contains `text`.
    bool hears(const std::string& text);

    /// The workers of the table, as "101 ready".
    lines workers() const;

  private:
    void settle();
    void perform(const action::begin_generation& what);
    void perform(const action::spawn& what);
    void perform(const action::signal& what);
    void perform(const action::run_stop_command& what);
    void perform(const action::tell& what);

    core::group group_;
    time_point now_{};
    process_id last_pid_ = 100;
    std::string reason_;
    bool scarce_ = false;
    lines deeds_;
    lines news_;
};

/// A life whose workers are ready; the actions and reports of that have been discarded.
life running(policy wishes);

/// For the messages of Boost.Test.
std::ostream& operator<<(std::ostream& out, const lines& what);
std::ostream& operator<<(std::ostream& out, group_phase phase);

} // namespace einhyrningsins::core
