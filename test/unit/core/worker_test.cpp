// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/worker.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>

namespace einhyrningsins::core {

using namespace std::chrono_literals;
using enum worker_state;

BOOST_AUTO_TEST_SUITE(core_worker)

BOOST_AUTO_TEST_CASE(the_cause_of_an_end_in_words) {
    using kind = exit_cause::kind_type;
    BOOST_TEST(to_string(exit_cause{kind::exited, 0}) == "exit code 0");
    BOOST_TEST(to_string(exit_cause{kind::exited, 3}) == "exit code 3");
    BOOST_TEST(to_string(exit_cause{kind::signaled, SIGKILL}) == "SIGKILL");
    BOOST_TEST(to_string(exit_cause{kind::signaled, SIGSEGV, true}) == "SIGSEGV, core dumped");
    BOOST_TEST(to_string(exit_cause{}) == "exit status unknown");
}

BOOST_AUTO_TEST_CASE(legal_moves) {
    constexpr worker_state all[] = {
        wanted, spawning, cancelled, starting, ready, stopping_by_command, stopping};
    std::string moves;
    for (worker_state from : all)
        for (worker_state to : all)
            moves += is_legal_move(from, to) ? 'x' : '.';
    BOOST_TEST(moves == ".x....."   // wanted
                        "..xx..."   // spawning
                        "......x"   // cancelled
                        "....xxx"   // starting
                        ".....xx"   // ready
                        "......x"   // stopping_by_command
                        "......."); // stopping
}

BOOST_AUTO_TEST_CASE(states_as_an_operator_sees_them) {
    for (worker_state state : {wanted, spawning, starting})
        BOOST_TEST(to_string(state) == std::string("starting"));
    BOOST_TEST(to_string(ready) == std::string("ready"));
    for (worker_state state : {cancelled, stopping_by_command, stopping})
        BOOST_TEST(to_string(state) == std::string("stopping"));
}

BOOST_AUTO_TEST_CASE(a_life) {
    time_point now{100s};
    worker one{.since = now};
    BOOST_TEST((one.active() && one.is_unacked() && !one.has_process()));
    one.move_to(spawning);
    BOOST_TEST(one.is_being_spawned());
    one.spawned(101, now + 1s);
    BOOST_TEST((one.has_process() && one.is_unacked() && one.since == now + 1s));
    one.move_to(ready);
    BOOST_TEST((one.active() && !one.is_unacked()));
    one.dismiss(0, haste::patient, now + 2s);
    BOOST_TEST((one.state == stopping_by_command && !one.active()));
    one.dismiss(SIGTERM, haste::hurried, now + 3s);
    BOOST_TEST((one.state == stopping && one.told.at == now + 3s));
    one.dismiss(SIGKILL, haste::hurried, now + 4s);
    BOOST_TEST((one.state == stopping && one.told.signal == SIGKILL));
}

BOOST_AUTO_TEST_CASE(one_that_is_cancelled_while_it_is_spawned) {
    worker one;
    one.move_to(spawning);
    one.dismiss(SIGTERM, haste::patient, {});
    BOOST_TEST((one.state == cancelled && one.is_being_spawned() && !one.active()));
    BOOST_TEST(!stop_deadline(one, {}).has_value());
    one.spawned(101, time_point(5s));
    BOOST_TEST((one.state == stopping));
    BOOST_TEST(stop_deadline(one, {}).has_value());
}

BOOST_AUTO_TEST_CASE(signals_become_firmer) {
    BOOST_TEST(dismissal{.signal = SIGUSR2}.next_signal({}) == SIGTERM);
    BOOST_TEST(dismissal{.signal = SIGQUIT}.next_signal({}) == SIGTERM);
    BOOST_TEST(dismissal{.signal = SIGTERM}.next_signal({}) == SIGKILL);
}

BOOST_AUTO_TEST_CASE(or_the_firmest_comes_at_once) {
    policy short_shrift{.kill_at_timeout = true};
    for (int signal : {SIGUSR2, SIGQUIT, SIGTERM})
        BOOST_TEST(dismissal{.signal = signal}.next_signal(short_shrift) == SIGKILL);
}

BOOST_AUTO_TEST_CASE(when_the_next_signal_is_due) {
    time_point at{100s};
    policy minute{.signal_timeout = 60s}, for_ever{.signal_timeout = 0s};
    BOOST_TEST((dismissal{SIGUSR2, at, haste::patient}.deadline(minute) == at + 60s));
    BOOST_TEST((dismissal{SIGTERM, at, haste::patient}.deadline(minute) == at + 60s));
    BOOST_TEST((dismissal{SIGTERM, at, haste::hurried}.deadline(minute) == at + 10s));
    BOOST_TEST(!(dismissal{SIGUSR2, at, haste::patient}.deadline(for_ever).has_value()));
    BOOST_TEST((dismissal{SIGTERM, at, haste::hurried}.deadline(for_ever) == at + 10s));
    BOOST_TEST(!(dismissal{SIGKILL, at, haste::hurried}.deadline(minute).has_value()));
}

BOOST_AUTO_TEST_CASE(when_the_time_of_a_starting_worker_is_over) {
    worker one{.state = starting, .pid = 101, .since = time_point(100s)};
    BOOST_TEST((ack_deadline(one, ack_timer{1s}) == time_point(101s)));
    BOOST_TEST((ack_deadline(one, ack_timer{0s}) == time_point(100s)));
    BOOST_TEST((ack_deadline(one, ack_manual{30s}) == time_point(130s)));
    BOOST_TEST((ack_deadline(one, ack_notify{5s}) == time_point(105s)));
    BOOST_TEST(!ack_deadline(one, ack_manual{0s}).has_value());
    BOOST_TEST(!ack_deadline(one, ack_notify{0s}).has_value());
}

BOOST_AUTO_TEST_CASE(who_is_not_starting_has_no_such_time) {
    for (worker_state state : {wanted, spawning, cancelled, ready, stopping_by_command, stopping})
        BOOST_TEST(!ack_deadline({.state = state}, ack_timer{1s}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::core
