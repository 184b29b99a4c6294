// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/refusal_log.hpp"

#include <boost/test/unit_test.hpp>

using namespace einhyrningsins;
using master::refusal_log;
using namespace std::chrono_literals;

namespace {

constexpr core::time_point start{1h};

std::size_t lines_of(refusal_log& log, unsigned user, unsigned refusals,
                     core::time_point when = start) {
    std::size_t lines = 0;
    for (unsigned i = 0; i < refusals; ++i)
        lines += log.note(user, "refused", when).size();
    return lines;
}

} // namespace

BOOST_AUTO_TEST_SUITE(refusals)

BOOST_AUTO_TEST_CASE(a_user_has_a_share_and_is_told_that_it_is_used_up) {
    refusal_log log;
    BOOST_TEST(lines_of(log, 1, refusal_log::lines_a_period - 1) ==
               refusal_log::lines_a_period - 1);
    auto last = log.note(1, "refused", start);
    BOOST_REQUIRE(last.size() == 2U);
    BOOST_TEST(last[0] == "refused");
    BOOST_TEST(last[1] == "further refusals of user 1 are not logged for some seconds");
    BOOST_TEST(lines_of(log, 1, 1000) == 0U);
}

BOOST_AUTO_TEST_CASE(nobody_uses_up_the_share_of_another) {
    refusal_log log;
    lines_of(log, 1, 1000);
    BOOST_TEST(lines_of(log, 2, 1) == 1U);
}

BOOST_AUTO_TEST_CASE(a_later_period_tells_how_many_were_left_out) {
    refusal_log log;
    lines_of(log, 1, refusal_log::lines_a_period + 7);
    BOOST_TEST(log.note(1, "refused", start + refusal_log::period - 1ns).empty());
    auto lines = log.note(1, "refused", start + refusal_log::period);
    BOOST_REQUIRE(lines.size() == 2U);
    BOOST_TEST(lines[0] == "8 earlier refusals were not logged");
    BOOST_TEST(lines[1] == "refused");
}

BOOST_AUTO_TEST_CASE(a_share_that_was_not_used_up_leaves_nothing_out) {
    refusal_log log;
    lines_of(log, 1, refusal_log::lines_a_period);
    BOOST_TEST(log.note(1, "refused", start + refusal_log::period).size() == 1U);
}

BOOST_AUTO_TEST_CASE(countless_users_have_one_share_together) {
    refusal_log log;
    std::size_t lines = 0;
    for (unsigned user = 0; user < 10'000; ++user)
        lines += log.note(user, "refused", start).size();
    BOOST_TEST(lines == refusal_log::most_users + refusal_log::lines_a_period + 1);
    BOOST_TEST(lines_of(log, 10'001, 1, start + refusal_log::period) == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
