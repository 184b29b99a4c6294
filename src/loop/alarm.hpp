// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/time.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/intrusive/list_hook.hpp>
#include <boost/intrusive/set_hook.hpp>

#include <functional>
#include <optional>

namespace einhyrningsins::loop {

class turns;

/// A timer. Its handler runs once, at or after the time that was set last. It never runs after
/// cancel(), at a time that was replaced by another one, or after the alarm's destruction.
///
/// The alarms of an io_context ring in turns: before any of them rings, everything that other
/// processes have sent by then is handled (SPEC 7.7, evidence before deadlines), see turns.
///
/// The handler may use its alarm in any way, and may destroy it. An exception terminates the
/// handler and is reported, see turns::on_failure.
class alarm {
  public:
    using handler = std::function<void()>;

    /// The purpose of an alarm decides when it rings relative to others.
    enum class purpose {
        task,  ///< does something at that time
        limit, ///< a time limit of another process: time in which the loop was stalled does not
               ///< count
        answer ///< answers a request: rings after tasks that are due as well, within a bound
    };

    /// The alarm is not set. `context` must outlive it.
    alarm(boost::asio::io_context& context, handler ring, purpose what = purpose::task);
    ~alarm();
    alarm(const alarm&) = delete;
    alarm& operator=(const alarm&) = delete;

    /// Sets the alarm, replacing the time that was set before. A time in the past means the next
    /// turn. Within a turn, alarms ring in the order of their times, answers last.
    void at(core::time_point when);
    void after(core::duration pause);
    /// Sets it to the next turn, even if called from its own handler.
    void soon();
    void cancel();

    /// Whether the handler is going to run.
    bool is_set() const { return by_time_.is_linked() || in_turn_.is_linked(); }
    /// The time for which it is set; nothing: it is not set.
    std::optional<core::time_point> due() const;

  private:
    friend class turns;
    using unlinked = boost::intrusive::link_mode<boost::intrusive::auto_unlink>;

    void run();

    turns& turns_;
    handler ring_;
    purpose purpose_;
    core::time_point due_{};
    core::time_point set_at_{};
    unsigned postponed_ = 0; ///< number of turns, see turns::put_off_answers()
    boost::intrusive::set_member_hook<unlinked> by_time_;
    boost::intrusive::list_member_hook<unlinked> in_turn_; ///< linked: it rings in the current turn
    bool* gone_ = nullptr; ///< set by the destructor while the handler runs; null: it does not run
};

} // namespace einhyrningsins::loop
