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

BOOST_AUTO_TEST_CASE(three_moves_are_legal) {
    unsigned legal = 0;
    for (worker_state from : {starting, ready, stopping})
        for (worker_state to : {starting, ready, stopping})
            legal += is_legal_move(from, to);
    BOOST_TEST(legal == 3U);
    BOOST_TEST(is_legal_move(starting, ready));
    BOOST_TEST(is_legal_move(starting, stopping));
    BOOST_TEST(is_legal_move(ready, stopping));
}

BOOST_AUTO_TEST_CASE(states_have_names) {
    BOOST_TEST(to_string(starting) == std::string("starting"));
    BOOST_TEST(to_string(ready) == std::string("ready"));
    BOOST_TEST(to_string(stopping) == std::string("stopping"));
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
    worker one{.pid = 101, .since = time_point(100s)};
    BOOST_TEST((ack_deadline(one, ack_timer{1s}) == time_point(101s)));
    BOOST_TEST((ack_deadline(one, ack_timer{0s}) == time_point(100s)));
    BOOST_TEST((ack_deadline(one, ack_manual{30s}) == time_point(130s)));
    BOOST_TEST((ack_deadline(one, ack_notify{5s}) == time_point(105s)));
    BOOST_TEST(!ack_deadline(one, ack_manual{0s}).has_value());
    BOOST_TEST(!ack_deadline(one, ack_notify{0s}).has_value());
}

BOOST_AUTO_TEST_CASE(who_is_not_starting_has_no_such_time) {
    worker one{.pid = 101, .since = time_point(100s)};
    one.state = ready;
    BOOST_TEST(!ack_deadline(one, ack_timer{1s}).has_value());
    one.state = starting;
    one.pid = 0; // not spawned yet
    BOOST_TEST(!ack_deadline(one, ack_timer{1s}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::core
