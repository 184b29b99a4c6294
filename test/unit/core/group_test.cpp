// SPDX-License-Identifier: GPL-3.0-or-later
//
// How workers start, ack and die, and how many there are (SPEC 7.2 and 7.3).
#include "unit/core/life.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <csignal>

namespace einhyrningsins::core {
namespace {

using namespace std::chrono_literals;

policy manual(unsigned number) {
    return {.number = number, .ack = ack_manual{30s}, .max_unacked = 2};
}

life started(const policy& wishes) {
    life one(wishes);
    one.start();
    one.deeds();
    return one;
}

const worker& at(const life& of, process_id pid) {
    const worker* who = of.group().find(pid);
    BOOST_TEST_REQUIRE(who != nullptr, "there is no worker " << pid);
    return *who;
}

} // namespace

BOOST_AUTO_TEST_SUITE(core_group)

BOOST_AUTO_TEST_CASE(all_workers_start_at_once) {
    life one = started(manual(40));
    BOOST_TEST(one.workers().size() == 40U);
    BOOST_TEST(at(one, 140).index == 39U);
    BOOST_TEST(one.group().capacity() == 0U);
}

BOOST_AUTO_TEST_CASE(timer_acks_come_with_time) {
    life one = started({.number = 1, .ack = ack_timer{1s}});
    one.ack(101); // of no use, and no harm
    BOOST_TEST(one.group().capacity() == 0U);
    BOOST_TEST((one.group().next_deadline() == one.now() + 1s));
    one.pass(1s);
    BOOST_TEST(one.group().capacity() == 1U);
    BOOST_TEST(!one.group().next_deadline());
}

BOOST_AUTO_TEST_CASE(an_ack_that_came_under_a_timer_counts_when_acks_are_asked_for) {
    life one = started({.number = 1, .ack = ack_timer{1h}});
    one.ack(101);
    BOOST_TEST(one.workers() == lines{"101 starting"});
    one.happens(event::reconfigure{manual(1)});
    BOOST_TEST(one.workers() == lines{"101 ready"});
}

BOOST_AUTO_TEST_CASE(a_missed_ack_ends_firmly) {
    life one = started(manual(1));
    one.pass(30s);
    BOOST_TEST(one.deeds() == lines{"SIGTERM to 101"});
    one.pass(10s);
    BOOST_TEST(one.deeds() == (lines{"spawn 102 index 1 generation 1", "SIGKILL to 101"}));
}

BOOST_AUTO_TEST_CASE(a_missed_ack_counts_as_a_restart) {
    life one = started(manual(1));
    one.pass(30s); // worker 101 is told to go
    one.exit(101);
    one.pass(2s);
    one.exit(102);
    one.pass(3s);
    BOOST_TEST(at(one, 103).restarts >= 1U);
}

BOOST_AUTO_TEST_CASE(a_ready_worker_is_replaced_at_once) {
    life one = started(manual(2));
    one.ack(101);
    one.ack(102);
    one.pass(10s);
    one.exit(101);
    BOOST_TEST(one.deeds() == lines{"spawn 103 index 0 generation 1"});
    BOOST_TEST(at(one, 103).restarts == 1U);
    BOOST_TEST(one.group().last_death()->pid == 101);
}

BOOST_AUTO_TEST_CASE(a_death_before_the_ack_waits) {
    life one = started(manual(1));
    one.exit(101);
    one.pass(899ms);
    BOOST_TEST(one.deeds() == lines{});
    one.pass(202ms);
    BOOST_TEST(one.deeds() == lines{"spawn 102 index 0 generation 1"});
}

BOOST_AUTO_TEST_CASE(retries_are_counted_after_the_first) {
    policy wishes = manual(1);
    wishes.retries = 2;
    life one = started(wishes);
    for (process_id pid = 101; pid <= 103; ++pid) {
        BOOST_TEST(one.group().phase() == group_phase::running);
        one.exit(pid);
        one.pass(20s);
    }
    BOOST_TEST(one.group().phase() == group_phase::given_up);
    one.start();
    BOOST_TEST(one.workers() == lines{"104 starting"});
}

BOOST_AUTO_TEST_CASE(scarcity_is_not_the_programs_fault) {
    policy wishes = manual(1);
    wishes.retries = 0;
    life one = started(wishes);
    one.ack(101);
    one.refuse("clone: no room", true);
    one.exit(101);
    one.pass(600s);
    BOOST_TEST(one.deeds().size() > 10U);
    BOOST_TEST(one.group().phase() == group_phase::running);
    one.refuse("");
    one.pass(60s);
    BOOST_TEST(one.workers().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_program_that_acks_and_dies_is_slowed_down_whatever_kills_it) {
    using enum exit_cause::kind_type;
    for (exit_cause cause :
         {exit_cause{exited, 1}, exit_cause{exited, 0}, exit_cause{signaled, SIGKILL},
          exit_cause{signaled, SIGTERM}, exit_cause{signaled, SIGSEGV, true}, exit_cause{}}) {
        life one = started(manual(1));
        process_id pid = 101;
        for (; pid < 1000 && one.group().find(pid); ++pid) {
            one.ack(pid);
            one.exit(pid, cause);
        }
        BOOST_TEST(pid == 101 + 103, to_string(cause));
        BOOST_TEST(one.hears("103 failures in a row; trying again in "));
        one.pass(2s);
        BOOST_TEST(one.workers() == lines{"204 starting"});
    }
}

BOOST_AUTO_TEST_CASE(the_longer_a_crash_loop_goes_on_the_longer_it_waits) {
    life one = started(manual(1));
    process_id pid = 101;
    auto crash = [&] {
        one.ack(pid);
        one.exit(pid++);
        time_point died = one.now();
        while (!one.group().find(pid))
            one.pass(100ms);
        return one.now() - died;
    };
    while (pid <= 202)
        BOOST_TEST((crash() == 0s));
    for (duration expected : {1000ms, 1500ms, 2250ms, 3375ms}) {
        duration wait = crash();
        BOOST_TEST((wait >= expected * 9 / 10 && wait <= expected * 11 / 10 + 100ms),
                   to_string(wait) << " instead of " << to_string(expected));
    }
}

BOOST_AUTO_TEST_CASE(an_ack_ends_a_row_of_failed_starts_but_no_crash_loop) {
    life one = started({.number = 3, .ack = ack_manual{30s}, .max_unacked = 3});
    for (process_id pid = 103; one.group().find(pid); ++pid) {
        one.ack(pid);
        one.exit(pid);
    }
    one.exit(102); // before its ack
    one.deeds();
    one.ack(101);
    BOOST_TEST(one.deeds() == lines());
    one.pass(2s);
    BOOST_TEST(one.deeds().size() == 2U);
}

BOOST_AUTO_TEST_CASE(of_fewer_workers_first_the_unacked_go_then_the_highest_index) {
    life one = started(manual(4));
    for (process_id pid : {101, 103, 104})
        one.ack(pid);
    one.happens(event::resize{3});
    BOOST_TEST(one.deeds() == lines{"SIGUSR2 to 102"});
    one.happens(event::resize{2});
    BOOST_TEST(one.deeds() == lines{"SIGUSR2 to 104"});
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::core
