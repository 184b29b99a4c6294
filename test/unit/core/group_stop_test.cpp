// SPDX-License-Identifier: GPL-3.0-or-later
//
// How a group is stopped and started again.
#include "unit/core/life.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>

namespace einhyrningsins::core {
namespace {

using namespace std::chrono_literals;

/// Two workers that are ready.
life couple(policy wishes = {}) {
    wishes.number = 2;
    return running(wishes);
}

} // namespace

BOOST_AUTO_TEST_SUITE(core_group_stop)

BOOST_AUTO_TEST_CASE(all_are_told_and_none_is_replaced) {
    life one = couple();
    one.happens(event::stop{SIGTERM});
    BOOST_TEST(one.deeds() == (lines{"SIGTERM to 101", "SIGTERM to 102"}));
    one.exit(101);
    BOOST_TEST(one.group().phase() == group_phase::stopping);
    one.exit(102);
    BOOST_TEST(one.group().phase() == group_phase::stopped);
    BOOST_TEST(one.deeds() == lines());
    BOOST_TEST(one.hears("all workers have gone"));
    BOOST_TEST(!one.group().next_deadline().has_value());
}

BOOST_AUTO_TEST_CASE(who_stays_is_told_more_firmly) {
    life one = couple({.signal_timeout = 60s});
    one.happens(event::stop{SIGUSR2});
    one.exit(102);
    one.deeds();
    one.pass(60s - 1ns);
    BOOST_TEST(one.deeds() == lines());
    one.pass(1ns);
    BOOST_TEST(one.deeds() == lines{"SIGTERM to 101"});
    BOOST_TEST(one.hears("is still there after 1 min 0 s; sending SIGTERM"));
    one.pass(10s - 1ns);
    BOOST_TEST(one.deeds() == lines());
    one.pass(1ns);
    BOOST_TEST(one.deeds() == lines{"SIGKILL to 101"});
    one.pass(1h);
    BOOST_TEST(one.deeds() == lines());
}

BOOST_AUTO_TEST_CASE(after_sigterm_comes_sigkill) {
    life one = couple({.signal_timeout = 5s});
    one.happens(event::stop{SIGTERM});
    one.deeds();
    one.pass(5s);
    BOOST_TEST(one.deeds() == (lines{"SIGKILL to 101", "SIGKILL to 102"}));
}

BOOST_AUTO_TEST_CASE(or_sigkill_comes_at_once) {
    life one = couple({.signal_timeout = 5s, .kill_at_timeout = true});
    one.happens(event::stop{SIGUSR2});
    one.exit(102);
    one.deeds();
    one.pass(5s - 1ns);
    BOOST_TEST(one.deeds() == lines());
    one.pass(1ns);
    BOOST_TEST(one.deeds() == lines{"SIGKILL to 101"});
    BOOST_TEST(one.hears("is still there after 5 s; sending SIGKILL"));
    BOOST_TEST(!one.group().next_deadline().has_value());
}

BOOST_AUTO_TEST_CASE(patience_without_end) {
    life one = couple({.signal_timeout = 0s});
    one.happens(event::stop{SIGUSR2});
    one.deeds();
    one.pass(24h);
    BOOST_TEST(one.deeds() == lines());
    BOOST_TEST(!one.group().next_deadline().has_value());
}

BOOST_AUTO_TEST_CASE(a_second_stop_may_be_firmer) {
    life one = couple();
    one.happens(event::stop{SIGUSR2});
    one.deeds();
    one.happens(event::stop{SIGUSR2}); // they know
    BOOST_TEST(one.deeds() == lines());
    one.happens(event::stop{SIGKILL});
    BOOST_TEST(one.deeds() == (lines{"SIGKILL to 101", "SIGKILL to 102"}));
    one.happens(event::stop{SIGTERM}); // nothing is firmer
    BOOST_TEST(one.deeds() == lines());
}

BOOST_AUTO_TEST_CASE(a_stop_of_a_stopped_group_is_nothing) {
    life one{policy{}};
    one.happens(event::stop{SIGTERM});
    BOOST_TEST(one.group().phase() == group_phase::stopped);
    BOOST_TEST(one.news() == lines());
}

BOOST_AUTO_TEST_CASE(a_process_that_was_just_wished_for_is_told_as_soon_as_it_is_there) {
    group one(policy{}, 1);
    one.apply(event::start{}, {});
    one.reconcile({});
    one.apply(event::stop{SIGTERM}, {});
    BOOST_TEST(one.reconcile({}).empty());
    one.apply(event::spawned{worker_id{1}, 101}, {});
    bool told = false;
    for (const action_type& what : one.reconcile({}))
        if (auto* it = std::get_if<action::signal>(&what))
            told = it->id == worker_id{1} && it->number == SIGTERM && it->dismissal;
    BOOST_TEST(told);
    BOOST_TEST(one.phase() == group_phase::stopping);
}

BOOST_AUTO_TEST_CASE(a_shell_that_owes_enough_answers_is_left_alone_until_it_has_given_one) {
    group one(policy{.number = 17}, 1);
    one.apply(event::start{}, {});
    auto spawns = [&] {
        return std::ranges::count_if(one.reconcile({}), [](const action_type& what) {
            return std::holds_alternative<action::spawn>(what);
        });
    };
    BOOST_TEST(spawns() == 16);
    BOOST_TEST(spawns() == 0);
    BOOST_TEST(!one.next_deadline().has_value());
    one.apply(event::spawned{worker_id{1}, 101}, {});
    BOOST_TEST((one.next_deadline() == time_point::min()));
    BOOST_TEST(spawns() == 1);
}

BOOST_AUTO_TEST_CASE(a_process_that_never_came_keeps_no_stop_waiting) {
    group one(policy{}, 1);
    one.apply(event::start{}, {});
    one.reconcile({});
    one.apply(event::stop{SIGTERM}, {});
    one.apply(event::spawn_failed{worker_id{1}, "exec", false}, {});
    one.reconcile({});
    BOOST_TEST(one.phase() == group_phase::stopped);
}

BOOST_AUTO_TEST_CASE(a_stop_in_the_back_off) {
    life one({.ack = ack_manual{}});
    one.start();
    one.exit(101);
    one.happens(event::stop{SIGTERM});
    BOOST_TEST(one.group().phase() == group_phase::stopped);
    one.deeds();
    one.pass(1h);
    BOOST_TEST(one.deeds() == lines());
}

BOOST_AUTO_TEST_CASE(a_stop_ends_an_upgrade) {
    life one = couple();
    one.happens(event::reconfigure{{.number = 2, .ack = ack_manual{}}});
    one.happens(event::upgrade{upgrade_mode::rolling});
    one.deeds();
    one.happens(event::stop{SIGTERM});
    BOOST_TEST(one.deeds() == (lines{"SIGTERM to 101", "SIGTERM to 102", "SIGTERM to 103"}));
    BOOST_TEST(one.hears("Upgrade to generation 2 aborted: the group was told to stop"));
    BOOST_TEST(!one.group().upgrade().has_value());
    one.happens(event::upgrade{upgrade_mode::rolling}); // not any more
    BOOST_TEST(one.deeds() == lines());
}

BOOST_AUTO_TEST_CASE(a_restart_waits_for_the_last_to_go) {
    life one = couple();
    one.happens(event::restart{});
    BOOST_TEST(one.deeds() == (lines{"SIGUSR2 to 101", "SIGUSR2 to 102"}));
    one.exit(101);
    BOOST_TEST(one.deeds() == lines());
    one.exit(102);
    BOOST_TEST(one.deeds() == (lines{"generation 2", "spawn 103 index 0 generation 2",
                                     "spawn 104 index 1 generation 2"}));
    BOOST_TEST(one.group().phase() == group_phase::running);
}

BOOST_AUTO_TEST_CASE(an_upgrade_that_is_asked_for_in_a_restart_is_what_the_restart_brings) {
    life one = couple();
    one.happens(event::restart{});
    one.deeds();
    BOOST_TEST(one.group().can_upgrade());
    one.happens(event::upgrade{upgrade_mode::rolling});
    BOOST_TEST(one.hears("the group is being restarted; the upgrade begins when"));
    one.exit(101);
    BOOST_TEST(one.deeds() == lines());
    one.exit(102);
    BOOST_TEST(one.deeds() == (lines{"generation 2", "spawn 103 index 0 generation 2",
                                     "spawn 104 index 1 generation 2"}));
    BOOST_TEST(one.hears("Upgrade done"));
    BOOST_TEST(!one.group().upgrade().has_value());
}

BOOST_AUTO_TEST_CASE(an_upgrade_goes_on_with_a_restart) {
    life one = couple();
    one.happens(event::reconfigure{{.number = 2, .ack = ack_manual{}}});
    one.happens(event::upgrade{upgrade_mode::rolling});
    one.deeds();
    one.happens(event::restart{});
    BOOST_TEST(one.deeds() == (lines{"SIGUSR2 to 101", "SIGUSR2 to 102", "SIGUSR2 to 103"}));
    BOOST_TEST(!one.hears("aborted"));
    for (process_id pid : {101, 102, 103})
        one.exit(pid);
    BOOST_TEST(one.deeds() == (lines{"generation 3", "spawn 104 index 0 generation 3",
                                     "spawn 105 index 1 generation 3"}));
    one.ack(104);
    BOOST_TEST(!one.hears("Upgrade done"));
    one.ack(105);
    BOOST_TEST(one.hears("Upgrade done"));
}

BOOST_AUTO_TEST_CASE(what_a_restart_cannot_start_gives_way_to_what_ran_before) {
    life one = couple();
    one.happens(
        event::reconfigure{{.number = 2, .ack = ack_manual{}, .retries = 1, .max_unacked = 2}});
    one.happens(event::upgrade{upgrade_mode::rolling});
    one.happens(event::restart{});
    for (process_id pid : {101, 102, 103, 104})
        one.exit(pid);
    one.deeds();
    one.exit(105);
    BOOST_TEST(one.hears("Upgrade to generation 3 aborted: 1 attempt to start a worker"));
    BOOST_TEST(one.deeds() == (lines{"SIGUSR2 to 106", "spawn 107 index 0 generation 1",
                                     "spawn 108 index 2 generation 1"}));
}

BOOST_AUTO_TEST_CASE(a_stop_ends_an_upgrade_that_waits_for_a_restart) {
    life one = couple();
    one.happens(event::restart{});
    one.happens(event::upgrade{upgrade_mode::rolling});
    one.news();
    one.happens(event::stop{SIGTERM});
    BOOST_TEST(one.hears("Upgrade to generation 2 aborted: the group was told to stop"));
    one.exit(101);
    one.exit(102);
    BOOST_TEST(one.deeds() ==
               (lines{"SIGUSR2 to 101", "SIGUSR2 to 102", "SIGTERM to 101", "SIGTERM to 102"}));
    one.start();
    BOOST_TEST(!one.hears("Upgrade"));
}

BOOST_AUTO_TEST_CASE(a_stop_in_a_restart_is_the_last_word) {
    life one = couple();
    one.happens(event::restart{});
    one.happens(event::stop{SIGTERM});
    one.exit(101);
    one.exit(102);
    BOOST_TEST(one.group().phase() == group_phase::stopped);
}

BOOST_AUTO_TEST_CASE(a_restart_of_a_stopped_group_starts_it) {
    life one{policy{}};
    one.happens(event::restart{});
    BOOST_TEST(one.deeds() == (lines{"generation 1", "spawn 101 index 0 generation 1"}));
}

BOOST_AUTO_TEST_CASE(a_start_does_not_wait_for_those_that_go) {
    life one = couple();
    one.happens(event::stop{SIGTERM});
    one.deeds();
    one.start();
    BOOST_TEST(one.deeds() == (lines{"generation 2", "spawn 103 index 2 generation 2",
                                     "spawn 104 index 3 generation 2"}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::core
