// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/action.hpp"
#include "core/report.hpp"
#include "core/time.hpp"
#include "core/worker.hpp"

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace einhyrningsins::machine {

/// An order for a worker.
using birth_order = core::action::spawn;

/// What the shell is to do for a template process, in this order.
namespace preload_action {

/// Ask the process for a worker. If that cannot be sent, answer with unsent().
struct send {
    birth_order order;
};
/// The order is carried out: `pid` is the worker. `death`: it has ended already.
struct born {
    birth_order order;
    core::process_id pid;
    std::optional<core::exit_cause> death;
};
/// The order is not carried out. `scarce`: the machine had no room for it.
struct failed {
    birth_order order;
    std::string why;
    bool scarce;
};
/// No template process can carry out the order: the program is to be executed.
struct decline {
    birth_order order;
};
/// Kill the process. Its death is still to be reported with ended(), or, if there is no such
/// process, with vanished() at once.
struct kill {};
/// Nothing more is to be read from the process.
struct hang_up {};
/// Call overdue() with that number after `time`; nothing: it need not be called.
struct set_limit {
    unsigned number;
    std::optional<core::duration> time;
};
/// Write to the log.
struct note {
    core::severity level;
    std::string text;
};

} // namespace preload_action

using preload_action_type =
    std::variant<preload_action::send, preload_action::born, preload_action::failed,
                 preload_action::decline, preload_action::kill, preload_action::hang_up,
                 preload_action::set_limit, preload_action::note>;

/// What a process is that a template process says it has forked.
enum class standing {
    own_fork, ///< a child of the master that nothing else is known of, and of the template's user
    gone,     ///< it does not exist: it may have been a child, whose death came first
    unheard,  ///< likewise, but not every death has been heard of
    foreign   ///< anything else: the template process lies
};

/// Decides about a template process of one generation (-p): it loads a shared object, and forks a
/// worker for each order. It runs code of the group's user, so nothing that it says or fails to say
/// may cost more than the process itself: as soon as it makes no sense it is killed, and the orders
/// that it leaves open are declined. A deterministic state machine: events go in, actions come out.
///
///     loading   it loads the object; orders wait. Nothing limits how long that takes, but if it
///               takes long a line in the log says so.
///     serving   each order is sent at once. Answers come in the order of the sending, and there is
///               a limit from one answer to the next.
///     doomed    it was killed, or has hung up, and its death is awaited. Orders wait: workers that
///               it has forked before are the master's, and only its death tells which orders are
///               still open. Answers that are due are heard, until one makes no sense: what other
///               processes say that have inherited its socket is not read.
///     gone      it was reaped. All orders were declined, as later ones are.
///
///     from      to        when
///     loading   serving   loaded()
///     loading   doomed    refused(), closed(), anything that makes no sense
///     serving   doomed    closed(), overdue(), an answer to nothing or about a foreign process, a
///                         fork that failed for another reason than scarcity
///     any       gone      ended(), vanished()
///
/// Each order comes to exactly one end: born, failed or decline. A worker may die before its birth
/// is told: deaths of unknown children are kept while answers are due.
class preload {
  public:
    using actions = std::vector<preload_action_type>;
    enum class phase { loading, serving, doomed, gone };
    struct stray {
        core::process_id pid;
        core::exit_cause cause;
    };
    /// All that another master has to know to go on.
    struct state_type {
        phase now = phase::loading;
        std::string doom;               ///< why it was killed; empty: it was not
        std::deque<birth_order> asked;  ///< sent and not answered, in their order
        std::vector<birth_order> waits; ///< not sent yet
        std::vector<stray> strays;      ///< deaths of children that may turn out to be its forks
    };

    /// Goes on from `state`; for a new process there is nothing in it. `pid` and `path`, the
    /// object, are for the log. The first actions are those of begin().
    preload(core::process_id pid, std::string path, state_type state);

    const state_type& state() const { return state_; }
    /// Nobody waits for an answer.
    bool is_idle() const { return state_.asked.empty() && state_.waits.empty(); }
    /// The process is to say what has become of an order.
    bool awaits_answer() const { return !state_.asked.empty(); }

    [[nodiscard]] actions begin();
    [[nodiscard]] actions ask(const birth_order& order);
    /// The order could not be sent.
    [[nodiscard]] actions unsent(const birth_order& order, const std::string& why, bool scarce);
    /// Orders that were not sent yet and are `unwanted` fail.
    [[nodiscard]] actions withdraw(const std::function<bool(const birth_order&)>& unwanted);

    // What the process says. Nothing more comes after closed(), or after the action hang_up.
    [[nodiscard]] actions loaded(core::duration took);
    [[nodiscard]] actions refused(const std::string& why);
    [[nodiscard]] actions forked(core::process_id pid, standing what);
    [[nodiscard]] actions fork_failed(const std::string& why, bool scarce);
    [[nodiscard]] actions garbled();
    [[nodiscard]] actions closed();

    /// The process was reaped, and everything that it has said was heard; `why` says how it ended.
    [[nodiscard]] actions ended(const std::string& why);
    /// There is no such process.
    [[nodiscard]] actions vanished();
    /// A child of the master that nobody knows was reaped.
    void child_ended(core::process_id pid, const core::exit_cause& cause);
    /// The time of the action set_limit with that number is over.
    [[nodiscard]] actions overdue(unsigned number);

  private:
    actions take();
    void send(const birth_order& order);
    void set_limit();
    birth_order take_first();
    std::optional<core::exit_cause> take_stray(core::process_id pid);
    void doom(const std::string& why);
    void hang_up();
    void go(const std::string& why);
    void note(core::severity level, const std::string& text);

    core::process_id pid_;
    std::string path_;
    state_type state_;
    /// Of the first so many births another program may have reaped the child, unseen by any master.
    std::size_t inherited_;
    unsigned limit_ = 0; ///< the number of the last one
    bool has_hung_up_ = false;
    actions out_; ///< of the event that is being handled
};

} // namespace einhyrningsins::machine
