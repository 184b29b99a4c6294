// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <variant>
#include <vector>

namespace einhyrningsins::machine {

/// What the shell is to do for a reload, in this order.
namespace reload_action {

/// Answer with settled() as soon as no log file is being written, and have none written until the
/// actions that settled() returns are carried out: an exec would wait for the thread that writes.
struct settle {};
/// Start the trial run. If that fails, before or after there is a process, answer with failed()
/// before any other event.
struct begin_trial {
    unsigned trial;
};
/// Kill the process of the trial run, if there is one, and its process group. It has not been
/// reaped.
struct kill {};
/// Tell the log that the program is about to be executed: what is logged later is not written, but
/// handed over.
struct announce {};
/// Execute the program, which will answer all requests. If that fails, answer with failed().
struct execute {};
/// Tell the log and all who wait that this program goes on, and why.
struct refuse {
    std::string why;
};

} // namespace reload_action

using reload_action_type =
    std::variant<reload_action::settle, reload_action::begin_trial, reload_action::kill,
                 reload_action::announce, reload_action::execute, reload_action::refuse>;

/// Decides how the master's program is replaced by another (SPEC 7.5): first a trial run of the new
/// program, which has to understand the state as it is now, then, if the trial run ends well, the
/// exec. A deterministic state machine: events go in, actions come out.
///
///     idle       nobody has asked for a reload
///     wanted     the next tick() begins it. A request therefore returns before anything is told
///                about it.
///     settling   log files are still being written: the trial run waits for that
///     trying     the trial run is under way
///     tried      it has ended and was reaped. The next tick() draws the consequences: until then
///                the shell notices the other deaths that it knows of, since what this program
///                knows and has not told is lost with the exec.
///     leaving    log files are still being written: the exec waits for that
///     executing  the program is being executed; that returns only if it fails
///
///     from       to         when
///     idle       wanted     request()
///     wanted     settling   tick()
///     settling   trying     settled()
///     trying     tried      ended()
///     tried      leaving    tick(), if the trial run ended well
///     leaving    executing  settled()
///     any        idle       failed(), cancel(); overdue() while trying; tick() after a trial run
///                           that did not end well; settled() with a failure
///
/// A request while a reload is under way joins it. Each request comes to exactly one end, together
/// with the others: the new program answers it, or it is refused with a reason. Then the next
/// request is a new beginning. News of earlier trial runs, and their time limits, are ignored: one
/// that was killed may be reaped while the next is under way.
class reload {
  public:
    using actions = std::vector<reload_action_type>;
    enum class phase { idle, wanted, settling, trying, tried, leaving, executing };

    phase now() const { return now_; }
    /// Whether tick() is to be called, in the next turn of the loop.
    bool has_work() const { return now_ == phase::wanted || now_ == phase::tried; }

    void request();
    [[nodiscard]] actions tick();
    /// The answer to action::settle. `failure` is not empty if a log file does not answer. What has
    /// become of the reload meanwhile does not matter: the next one makes do with this wait.
    [[nodiscard]] actions settled(const std::string& failure);
    /// The trial run has ended and was reaped. `failure` is empty if it ended well.
    void ended(unsigned trial, const std::string& failure);
    /// The time of the trial run is over; `why` says so.
    [[nodiscard]] actions overdue(unsigned trial, const std::string& why);
    /// An action could not be carried out.
    [[nodiscard]] actions failed(const std::string& why);
    /// Nothing is to come of it.
    [[nodiscard]] actions cancel(const std::string& why);

  private:
    bool is_under_way(unsigned trial) const;
    actions settle(phase next);
    actions refuse_all(const std::string& why);

    phase now_ = phase::idle;
    unsigned trial_ = 0;  ///< the last one
    std::string failure_; ///< of the trial run that has ended
    bool waits_ = false;  ///< for settled()
};

} // namespace einhyrningsins::machine
