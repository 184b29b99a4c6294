// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/policy.hpp"

#include <boost/test/unit_test.hpp>

using namespace einhyrningsins::core;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(policy_of_a_group)

BOOST_AUTO_TEST_CASE(back_off_grows_by_half) {
    BOOST_TEST((back_off(1s, 1, 0.5) == 1s));
    BOOST_TEST((back_off(1s, 2, 0.5) == 1500ms));
    BOOST_TEST((back_off(1s, 3, 0.5) == 2250ms));
}

BOOST_AUTO_TEST_CASE(back_off_is_a_tenth_more_or_less) {
    BOOST_TEST((back_off(1s, 1, 0.0) == 900ms));
    BOOST_TEST((back_off(1s, 1, 1.0) == 1100ms));
}

BOOST_AUTO_TEST_CASE(back_off_has_an_end_and_a_beginning) {
    BOOST_TEST((back_off(1s, 1000, 0.5) == 30s));
    BOOST_TEST((back_off(24h, 1, 1.0) == 33s));
    BOOST_TEST((back_off(0s, 1, 0.5) == 10ms));
}

BOOST_AUTO_TEST_CASE(an_upgrade_may_fail_five_times) {
    BOOST_TEST(upgrade_failure_limit({}) == 5U);
    BOOST_TEST(upgrade_failure_limit({.retries = 2}) == 2U);
    BOOST_TEST(upgrade_failure_limit({.retries = 0}) == 1U);
}

BOOST_AUTO_TEST_CASE(each_ack_frees_one_old_worker) {
    BOOST_TEST(retirements_allowed({.fresh_ready = 0, .old_active = 4, .wanted = 4}) == 0U);
    BOOST_TEST(retirements_allowed({.fresh_ready = 1, .old_active = 4, .wanted = 4}) == 1U);
    BOOST_TEST(retirements_allowed({.fresh_ready = 1, .old_active = 3, .wanted = 4}) == 0U);
    BOOST_TEST(retirements_allowed({.fresh_ready = 4, .old_active = 1, .wanted = 4}) == 1U);
}

BOOST_AUTO_TEST_CASE(spawns_have_two_limits) {
    policy wishes{.number = 4, .max_unacked = 3, .max_upgrade_additional = 2};
    BOOST_TEST(spawns_allowed({.old_active = 4, .wanted = 4, .existing = 4}, wishes, true) == 2U);
    BOOST_TEST(spawns_allowed({.old_active = 4, .wanted = 4, .existing = 4}, wishes, false) == 3U);
    BOOST_TEST(spawns_allowed({.fresh_active = 2, .fresh_unacked = 2, .wanted = 4, .existing = 2},
                              wishes, false) == 1U);
    BOOST_TEST(spawns_allowed({.fresh_active = 4, .wanted = 4, .existing = 4}, wishes, false) ==
               0U);
}

BOOST_AUTO_TEST_SUITE_END()
