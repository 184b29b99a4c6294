// SPDX-License-Identifier: GPL-3.0-or-later
#include "loop/turns.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace einhyrningsins::loop {
namespace {

/// An ack on a new connection is handled in the third round: accept, wait, read.
constexpr unsigned least_rounds = 8;
constexpr unsigned most_postponements = 8;
constexpr auto longest_hearing = std::chrono::milliseconds(20);

} // namespace

boost::asio::execution_context::id turns::id;

turns& turns::of(boost::asio::io_context& context) {
    return boost::asio::use_service<turns>(context);
}

turns::turns(boost::asio::io_context& context)
    : boost::asio::execution_context::service(context),
      context_(context),
      timer_(context) {}

/// Unlinks all alarms, whose destructors must not call back.
void turns::shutdown() {
    by_time_.clear();
    in_turn_.clear();
    answers_.clear();
}

void turns::attempt(const std::function<void()>& action) noexcept {
    try {
        action();
    } catch (const std::exception& unexpected) {
        report(unexpected.what());
    } catch (...) {
        report("an unknown exception");
    }
}

/// Out of memory even the report may fail.
void turns::report(const char* why) noexcept {
    try {
        if (failed_) failed_(why);
    } catch (...) {
    }
}

void turns::note_activity() noexcept {
    core::time_point now = clock::now();
    note_lateness(now);
    last_activity_ = now;
}

/// Also before an alarm is set anew: it may be the one that shows that the loop was held up.
void turns::note_lateness(core::time_point now) noexcept {
    if (by_time_.empty()) return;
    const alarm& next = *by_time_.begin();
    if (now - std::max(next.due_, next.set_at_) <= tolerated_stall) return;
    stall_ += now - last_activity_;
    last_activity_ = now;
}

/// A handler was held up, and may then have set an alarm to a time that has passed meanwhile.
void turns::note_end() noexcept {
    core::time_point now = clock::now();
    if (now - last_activity_ > tolerated_stall) stall_ += now - last_activity_;
    last_activity_ = now;
}

void turns::continue_from(core::time_point then) noexcept {
    last_activity_ = clock::now();
    stall_ = last_activity_ - then;
}

void turns::set(alarm& alarm) {
    by_time_.insert(alarm);
    wake();
}

/// A running timer keeps run() from returning and wakes the process, so it is stopped if no alarm
/// is set.
void turns::note_cancelled() {
    if (by_time_.empty() && std::exchange(timer_due_, std::nullopt)) timer_.cancel();
}

/// Sees to it that the next turn comes in time. A turn that comes too early, since an alarm was
/// cancelled or to note that the loop still runs, does no harm.
void turns::wake() noexcept {
    if (turning_ || posted_ || by_time_.empty()) return;
    core::time_point now = clock::now(), due = by_time_.begin()->due_;
    if (due <= now) return post_turn();
    if (due - now > tolerated_stall) due = now + (due - now) / 2;
    if (timer_due_ && *timer_due_ <= due) return;
    try {
        start_timer(due);
    } catch (...) {
        post_turn(); // by then waits that were cancelled have given their room back
    }
}

void turns::post_turn() {
    boost::asio::post(context_, in(post_memory_, [this] {
                          posted_ = false;
                          turn();
                      }));
    posted_ = true;
}

void turns::start_timer(core::time_point due) {
    timer_due_.reset();
    timer_.expires_at(due);
    handler_memory& room = timer_memory_[timer_room_ ^= 1];
    timer_.async_wait(in(room, [this](const boost::system::error_code& error) {
        if (error) return;
        timer_due_.reset();
        turn();
    }));
    timer_due_ = due;
}

void turns::turn() noexcept {
    if (turning_) return; // called by the timer from within hear()
    turning_ = true;
    note_activity();
    attempt([this] { hear(); });
    if (!context_.stopped()) {
        note_activity();
        heard_until_ = last_activity_;
        excuse();
        ring();
        heard_until_.reset();
        note_end();
    }
    turning_ = false;
    wake();
}

/// Runs all handlers that are ready, in rounds. In each round a mark is queued, and everything that
/// was ready before it is run; the system is polled on the way.
void turns::hear() {
    core::time_point end = clock::now() + longest_hearing;
    for (unsigned round = 0; round < least_rounds || clock::now() < end; ++round) {
        if (!run_one()) return;
        boost::asio::post(context_, in(mark_memory_, [this] { ++marks_passed_; }));
        ++marks_;
        while (marks_passed_ < marks_ && run_one()) {
        }
    }
}

/// Returns whether a handler was ready.
bool turns::run_one() {
    std::size_t ran = 1; // even if the handler throws
    attempt([&] { ran = context_.poll_one(); });
    return ran > 0;
}

/// Extends all limits by the time in which the loop was stalled.
void turns::excuse() {
    core::duration stall = std::exchange(stall_, core::duration::zero()) - tolerated_stall;
    if (stall <= core::duration::zero()) return;
    sequence limits;
    for (alarm& each : by_time_)
        if (each.purpose_ == alarm::purpose::limit) limits.push_back(each);
    while (!limits.empty()) {
        alarm& each = limits.front();
        limits.pop_front();
        by_time_.erase(by_time_.iterator_to(each));
        each.due_ += stall;
        by_time_.insert(each);
    }
    if (stalled_) attempt([&] { stalled_(stall); });
}

void turns::ring() {
    core::time_point now = clock::now();
    while (!by_time_.empty() && by_time_.begin()->due_ <= now) {
        alarm& each = *by_time_.begin();
        by_time_.erase(by_time_.begin());
        (each.purpose_ == alarm::purpose::answer ? answers_ : in_turn_).push_back(each);
    }
    run(in_turn_);
    put_off_answers();
    run(answers_);
}

void turns::run(sequence& alarms) {
    while (!alarms.empty() && !context_.stopped()) {
        alarm& each = alarms.front();
        alarms.pop_front();
        each.run();
    }
}

/// If alarms are due that were set meanwhile, answers wait for them, since they may carry out what
/// was decided before: they are moved to the next turn, all together, unless one of them was moved
/// most_postponements times.
void turns::put_off_answers() {
    core::time_point now = clock::now();
    if (by_time_.empty() || by_time_.begin()->due_ > now) return;
    auto has_waited = [](const alarm& each) { return each.postponed_ == most_postponements; };
    if (std::ranges::any_of(answers_, has_waited)) return;
    while (!answers_.empty()) {
        alarm& each = answers_.front();
        answers_.pop_front();
        ++each.postponed_;
        each.due_ = now;
        by_time_.insert(each); // after the others
    }
}

} // namespace einhyrningsins::loop
