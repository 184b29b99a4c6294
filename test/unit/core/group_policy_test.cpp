// SPDX-License-Identifier: GPL-3.0-or-later
//
// Policies that only groups of a TOML file can have: when to start, which workers to start again,
// upgrades without acks, signs of life, and stop commands.
#include "unit/core/life.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>

namespace einhyrningsins::core {
namespace {

using namespace std::chrono_literals;

constexpr exit_cause success{exit_cause::kind_type::exited, 0};

life opened(policy wishes) {
    life one(wishes);
    one.happens(event::open{});
    return one;
}

} // namespace

BOOST_AUTO_TEST_SUITE(core_group_policy)

BOOST_AUTO_TEST_CASE(an_open_group_starts_at_once) {
    BOOST_TEST(opened({}).deeds() == (lines{"generation 1", "spawn 101 index 0 generation 1"}));
}

BOOST_AUTO_TEST_CASE(a_warm_up_is_waited_for) {
    life one = opened({.warmup = 5s});
    BOOST_TEST(one.hears("waiting for 5 s, then starting"));
    one.pass(5s - 1ns);
    BOOST_TEST(one.group().phase() == group_phase::waiting);
    one.pass(1ns);
    BOOST_TEST(one.group().phase() == group_phase::running);
}

BOOST_AUTO_TEST_CASE(the_first_client_starts_a_group_when_the_warm_up_is_over) {
    life one = opened({.on_demand = true, .warmup = 5s});
    BOOST_TEST(one.group().awaits_demand());
    BOOST_TEST(!one.group().next_deadline().has_value());
    one.happens(event::demanded{});
    BOOST_TEST(!one.group().awaits_demand());
    BOOST_TEST(one.deeds() == lines());
    one.pass(5s);
    BOOST_TEST(one.group().phase() == group_phase::running);
}

BOOST_AUTO_TEST_CASE(what_an_operator_does_with_a_waiting_group) {
    life started = opened({.on_demand = true});
    started.happens(event::upgrade{upgrade_mode::rolling});
    BOOST_TEST(started.group().phase() == group_phase::waiting);
    started.start();
    BOOST_TEST(started.group().phase() == group_phase::running);
    life restarted = opened({.on_demand = true});
    restarted.happens(event::restart{});
    BOOST_TEST(restarted.group().phase() == group_phase::running);
    life stopped = opened({.on_demand = true});
    stopped.happens(event::stop{SIGTERM});
    stopped.happens(event::demanded{});
    BOOST_TEST(stopped.group().phase() == group_phase::stopped);
}

BOOST_AUTO_TEST_CASE(a_reload_keeps_waiting) {
    life one = opened({.on_demand = true, .warmup = 5s});
    group next(one.group().state(), 1);
    BOOST_TEST(next.awaits_demand());
    next.apply(event::demanded{}, one.now());
    BOOST_TEST((next.next_deadline() == one.now() + 5s));
}

BOOST_AUTO_TEST_CASE(success_ends_for_good_where_failure_does_not) {
    life one = running({.number = 2, .restart = restart_policy::on_failure});
    one.exit(101, success);
    BOOST_TEST(one.hears("it is not started again"));
    one.pass(1h);
    BOOST_TEST(one.deeds() == lines());
    one.exit(102);
    BOOST_TEST(one.deeds() == lines{"spawn 103 index 0 generation 1"});
    one.exit(103, success);
    BOOST_TEST(one.hears("all workers have ended; 'start' begins again"));
    BOOST_TEST(one.group().phase() == group_phase::stopped);
    one.start();
    BOOST_TEST(one.group().workers().size() == 2U);
}

BOOST_AUTO_TEST_CASE(who_ended_is_wanted_again_after_a_resize_and_an_upgrade) {
    life one = running({.number = 2, .restart = restart_policy::never});
    one.exit(101);
    BOOST_TEST(one.deeds() == lines());
    one.happens(event::resize{2});
    BOOST_TEST(one.deeds() == lines{"spawn 103 index 0 generation 1"});
    one.exit(102);
    one.happens(event::upgrade{upgrade_mode::rolling});
    BOOST_TEST(one.group().capacity() == 2U);
}

BOOST_AUTO_TEST_CASE(a_program_that_cannot_be_started_is_reported_once_under_never) {
    life one({.number = 3, .restart = restart_policy::never});
    one.refuse("exec /bin/x: No such file or directory");
    one.start();
    one.pass(1h);
    BOOST_TEST(one.deeds() == (lines{"generation 1", "refused", "refused", "refused"}));
    auto news = one.news();
    BOOST_TEST(news.size() == 2U);
    BOOST_TEST(one.group().phase() == group_phase::stopped);
}

BOOST_AUTO_TEST_CASE(an_upgrade_under_never_is_aborted_by_its_first_death) {
    life one = running({.number = 1, .restart = restart_policy::never});
    policy manual = one.group().wishes();
    manual.ack = ack_manual{};
    one.happens(event::reconfigure{manual});
    one.happens(event::upgrade{upgrade_mode::rolling});
    one.exit(102, success);
    BOOST_TEST(one.hears("aborted: 1 attempt to start a worker of it failed"));
    BOOST_TEST(one.group().capacity() == 1U);
}

BOOST_AUTO_TEST_CASE(without_acks_the_old_go_before_the_new_come) {
    life one = running({.number = 2, .ack = ack_none{}, .max_unacked = 2});
    one.happens(event::upgrade{upgrade_mode::rolling});
    BOOST_TEST(one.deeds() == (lines{"SIGUSR2 to 101", "SIGUSR2 to 102"}));
    one.exit(101, success);
    BOOST_TEST(one.deeds() == lines());
    one.exit(102, success);
    BOOST_TEST(one.deeds() == (lines{"generation 2", "spawn 103 index 0 generation 2",
                                     "spawn 104 index 1 generation 2"}));
    BOOST_TEST(one.hears("Upgrade done"));
}

BOOST_AUTO_TEST_CASE(without_acks_a_broken_upgrade_goes_back) {
    life one = running({.number = 1, .ack = ack_none{}, .retries = 1});
    one.happens(event::upgrade{upgrade_mode::rolling});
    one.refuse("exec");
    one.exit(101, success);
    one.refuse("");
    one.pass(60s);
    BOOST_TEST(one.group().current().generation == 1U);
    BOOST_TEST(one.group().capacity() == 1U);
}

BOOST_AUTO_TEST_CASE(who_is_silent_is_killed_and_replaced) {
    life one = running({.live_check = 5s});
    one.pass(3s);
    one.happens(event::touched{one.id(101)});
    one.pass(5s - 1ns);
    BOOST_TEST(one.deeds() == lines());
    one.pass(1ns);
    BOOST_TEST(one.deeds() == (lines{"SIGKILL to 101", "spawn 102 index 1 generation 1"}));
    BOOST_TEST(one.hears("has given no sign of life for 5 s"));
}

BOOST_AUTO_TEST_CASE(signs_of_life_are_asked_for_from_now_on) {
    life one = running({});
    one.pass(1h);
    one.happens(event::reconfigure{{.live_check = 5s}});
    one.pass(5s - 1ns);
    BOOST_TEST(one.deeds() == lines());
    one.happens(event::reconfigure{{.live_check = 5s}}); // nothing new
    one.pass(1ns);
    BOOST_TEST(one.deeds() == (lines{"SIGKILL to 101", "spawn 102 index 1 generation 1"}));
}

BOOST_AUTO_TEST_CASE(a_command_stops_a_group) {
    life one = running({.stop_command = true});
    one.happens(event::stop{SIGUSR2});
    one.happens(event::stop{SIGUSR2});
    BOOST_TEST(one.deeds() == lines{"stop command"});
    one.pass(60s);
    BOOST_TEST(one.deeds() == lines{"SIGTERM to 101"});
    one.pass(10s);
    BOOST_TEST(one.deeds() == lines{"SIGKILL to 101"});
}

BOOST_AUTO_TEST_CASE(a_command_that_fails_and_a_firmer_stop) {
    life failed = running({.stop_command = true});
    failed.happens(event::restart{});
    failed.happens(event::stop_command_failed{});
    BOOST_TEST(failed.deeds() == (lines{"stop command", "SIGUSR2 to 101"}));
    life firm = running({.stop_command = true});
    firm.happens(event::stop{SIGTERM});
    BOOST_TEST(firm.deeds() == lines{"SIGTERM to 101"});
    life plain = running({.stop_command = true});
    plain.happens(event::stop{SIGUSR2, true});
    BOOST_TEST(plain.deeds() == lines{"SIGUSR2 to 101"});
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::core
