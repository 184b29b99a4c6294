// SPDX-License-Identifier: GPL-3.0-or-later
//
// Events that choose the signal by which workers are told to exit.
#include "unit/core/life.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <csignal>

namespace einhyrningsins::core {
namespace {

using namespace std::chrono_literals;

/// Two workers, 101 and 102, that are ready; those that come later ack by a message.
life couple(unsigned max_unacked = 1) {
    life group = running({.number = 2, .max_unacked = max_unacked});
    group.happens(
        event::reconfigure{{.number = 2, .ack = ack_manual{30s}, .max_unacked = max_unacked}});
    return group;
}

} // namespace

BOOST_AUTO_TEST_SUITE(core_group_signal)

BOOST_AUTO_TEST_CASE(an_upgrade_by_a_signal_of_its_own) {
    life group = couple();
    group.happens(event::upgrade{upgrade_mode::rolling, SIGINT});
    group.ack(103);
    BOOST_TEST(group.hears("Upgrade done") == false);
    group.ack(104);
    lines deeds = group.deeds();
    BOOST_TEST(deeds == (lines{"generation 2", "spawn 103 index 2 generation 2", "SIGINT to 101",
                               "spawn 104 index 3 generation 2", "SIGINT to 102"}));
    group.happens(event::upgrade{upgrade_mode::rolling});
    group.ack(105);
    group.ack(106);
    deeds = group.deeds();
    BOOST_TEST(deeds[2] == "SIGUSR2 to 103"); // the usual one, as ever
}

BOOST_AUTO_TEST_CASE(the_signal_of_an_upgrade_outlives_a_reload) {
    life before = couple();
    before.happens(event::upgrade{upgrade_mode::rolling, SIGINT});
    before.happens(event::upgrade{upgrade_mode::fleet, SIGHUP}); // another, that has to wait
    group_state state = before.group().state();
    BOOST_TEST(*state.upgrade->signal == SIGINT);
    BOOST_TEST(*state.upgrade->again_signal == SIGHUP);
}

BOOST_AUTO_TEST_CASE(each_upgrade_has_its_own) {
    life group = couple(2);
    group.happens(event::upgrade{upgrade_mode::fleet, SIGINT});
    group.happens(event::upgrade{upgrade_mode::fleet, SIGHUP});
    group.deeds();
    group.ack(103);
    group.ack(104); // the first is complete, and the second begins
    BOOST_TEST(group.deeds() ==
               (lines{"SIGINT to 101", "SIGINT to 102", "generation 3",
                      "spawn 105 index 4 generation 3", "spawn 106 index 5 generation 3"}));
    group.ack(105);
    group.ack(106);
    BOOST_TEST(group.deeds() == (lines{"SIGHUP to 103", "SIGHUP to 104"}));
}

BOOST_AUTO_TEST_CASE(the_last_of_requests_that_are_served_by_one_upgrade_counts) {
    life group = couple();
    group.happens_first(event::upgrade{upgrade_mode::rolling, SIGINT});
    group.happens(event::upgrade{upgrade_mode::rolling, SIGHUP});
    group.ack(103);
    BOOST_TEST(group.deeds()[2] == "SIGHUP to 101");
}

BOOST_AUTO_TEST_CASE(new_workers_that_an_upgrade_overtakes_are_told_by_its_signal) {
    life group = couple();
    group.happens(event::upgrade{upgrade_mode::rolling});
    group.happens(event::upgrade{upgrade_mode::rolling, SIGINT});
    group.deeds();
    group.pass(1s);
    BOOST_TEST(group.deeds()[0] == "SIGINT to 103");
}

BOOST_AUTO_TEST_CASE(an_ack_by_a_signal_of_its_own) {
    life group = couple();
    group.happens(event::upgrade{upgrade_mode::rolling, SIGINT});
    group.deeds();
    group.happens(event::acked{group.id(103), SIGHUP});
    BOOST_TEST(group.deeds() == (lines{"SIGHUP to 101", "spawn 104 index 3 generation 2"}));
    group.ack(104);
    BOOST_TEST(group.deeds() == lines{"SIGINT to 102"});
}

BOOST_AUTO_TEST_CASE(an_ack_that_tells_nobody_to_go_leaves_no_signal_behind) {
    life group = couple(2);
    group.happens(event::upgrade{upgrade_mode::fleet});
    group.deeds();
    group.happens(event::acked{group.id(103), SIGHUP});
    BOOST_TEST(group.deeds() == lines());
    group.ack(104);
    BOOST_TEST(group.deeds() == (lines{"SIGUSR2 to 101", "SIGUSR2 to 102"}));
}

BOOST_AUTO_TEST_CASE(a_resize_by_a_signal_of_its_own) {
    life group = couple();
    group.happens(event::resize{1, SIGINT});
    BOOST_TEST(group.deeds() == lines{"SIGINT to 102"});
    group.happens(event::resize{2});
    group.ack(103);
    group.deeds();
    group.happens(event::resize{1});
    BOOST_TEST(group.deeds() == lines{"SIGUSR2 to 103"});
}

BOOST_AUTO_TEST_CASE(a_restart_by_a_signal_of_its_own) {
    life group = couple();
    group.happens(event::restart{SIGINT});
    BOOST_TEST(group.deeds() == (lines{"SIGINT to 101", "SIGINT to 102"}));
    group.exit(101);
    group.exit(102);
    BOOST_TEST(group.group().phase() == group_phase::running);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::core
