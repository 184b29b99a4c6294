// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/time.hpp"
#include "loop/alarm.hpp"
#include "loop/handler_memory.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace einhyrningsins::loop {

/// A stall is a time in which the loop did not run although an alarm was due: its process was
/// stopped, the machine frozen, or a handler waited for a disk. It is one if the alarm is later
/// than this, or if the alarms of one turn have taken longer. The first 250 ms of each stall are
/// not excused, so that the limits of a loop that is always slow are reached in the end.
///
/// Nobody can say when a stall began, but it was after the loop ran last. So that this is not long
/// before, the loop wakes up on its way to an alarm whenever half of the time has passed, as long
/// as more is left than this: what counts as a stall is at most twice as long as it was.
constexpr core::duration tolerated_stall = std::chrono::milliseconds(250);

/// The alarms of an io_context, run by its run() like everything else, in turns. A turn:
///
/// 1. What is ready is handled, and what becomes ready by that, until nothing is: deaths,
///    connections and the lines in them, messages. The bound is 8 rounds of all descriptors and
///    20 ms, whichever is later: one who talks all the time does not keep the alarms from ringing.
/// 2. If there was a stall, on_stall() is told, and alarms that are limits get that much more time.
/// 3. The alarms that are due by now ring, in the order of their times, and those that are answers
///    after the others. One that is set meanwhile rings in the next turn at the earliest; if it is
///    set before the answers ring they are put off until it has rung, until one of them was put off
///    for 8 turns. Answers that are due together ring together: of ten requests that were heard in
///    one turn none waits for what follows from another.
///
/// So nobody is judged by a deadline before what came in time was heard. Alarms ring even if there
/// is no memory left: what turns need in Asio is allocated beforehand.
class turns : public boost::asio::execution_context::service {
    using clock = core::time_point::clock;

  public:
    static boost::asio::execution_context::id id;
    static turns& of(boost::asio::io_context& context);

    /// The handler gets the length of a stall less tolerated_stall, before any alarm rings.
    void on_stall(std::function<void(core::duration)> handler) { stalled_ = std::move(handler); }
    /// The handler gets the text of an exception that has terminated another handler. What it
    /// throws itself is ignored.
    void on_failure(std::function<void(const std::string&)> handler) {
        failed_ = std::move(handler);
    }

    /// Runs `action`. An exception is reported and not propagated.
    void attempt(const std::function<void()>& action) noexcept;
    /// The time by which others are judged: while alarms ring, that at which this turn had heard
    /// everything, however long the alarms before have taken. Otherwise the time.
    core::time_point heard_until() const noexcept { return heard_until_.value_or(clock::now()); }
    /// To be called at the beginning of each handler: it shows that the loop is running.
    void note_activity() noexcept;
    /// Until when the loop ran: the time since then, and nothing before, may still turn out to be a
    /// stall.
    core::time_point last_ran() const noexcept { return last_activity_ - stall_; }
    /// The loop continues another one, whose last_ran() is `then`, which an exec has ended. To be
    /// called before run(): the time since then counts as a stall if it is longer than tolerated.
    void continue_from(core::time_point then) noexcept;

    /// For asio::use_service only; see of().
    explicit turns(boost::asio::io_context& context);

  private:
    friend class alarm;
    struct earlier {
        bool operator()(const alarm& a, const alarm& b) const { return a.due_ < b.due_; }
    };
    using timetable = boost::intrusive::multiset<
        alarm, boost::intrusive::compare<earlier>,
        boost::intrusive::member_hook<alarm, decltype(alarm::by_time_), &alarm::by_time_>,
        boost::intrusive::constant_time_size<false>>;
    using sequence = boost::intrusive::list<
        alarm, boost::intrusive::member_hook<alarm, decltype(alarm::in_turn_), &alarm::in_turn_>,
        boost::intrusive::constant_time_size<false>>;

    void shutdown() override;
    void set(alarm& alarm);
    void note_cancelled();
    void wake() noexcept;
    void post_turn();
    void start_timer(core::time_point due);
    void turn() noexcept;
    void report(const char* why) noexcept;
    void hear();
    bool run_one();
    void note_lateness(core::time_point now) noexcept;
    void note_end() noexcept;
    void excuse();
    void ring();
    void run(sequence& alarms);
    void put_off_answers();

    boost::asio::io_context& context_;
    handler_memory timer_memory_[2], post_memory_, mark_memory_;
    unsigned timer_room_ = 0; ///< of timer_memory_: one that was cancelled still has the other
    boost::asio::steady_timer timer_;
    std::optional<core::time_point> timer_due_; ///< nothing: it does not run
    bool posted_ = false;                       ///< a turn is on its way without the timer
    bool turning_ = false;
    timetable by_time_;
    sequence in_turn_, answers_;
    std::optional<core::time_point> heard_until_; ///< nothing: no alarms ring
    core::time_point last_activity_ = core::time_point::clock::now();
    core::duration stall_{};  ///< since the last turn
    std::uint64_t marks_ = 0; ///< see hear()
    std::uint64_t marks_passed_ = 0;
    std::function<void(core::duration)> stalled_;
    std::function<void(const std::string&)> failed_;
};

} // namespace einhyrningsins::loop
