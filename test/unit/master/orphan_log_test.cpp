// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/orphan_log.hpp"

#include <boost/test/unit_test.hpp>

using namespace einhyrningsins;
using master::orphan_log;
using namespace std::chrono_literals;

namespace {

constexpr core::time_point start{1h};

/// "group count" for each line.
std::string shown(const std::vector<orphan_log::line>& lines) {
    std::string all;
    for (const auto& [group, count] : lines)
        all += (all.empty() ? "" : ", ") + group + " " + std::to_string(count);
    return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(orphan_logs)

BOOST_AUTO_TEST_CASE(the_first_is_told_at_once_and_the_others_when_the_period_is_over) {
    orphan_log log;
    BOOST_TEST(!log.next());
    log.note("web", 3);
    BOOST_TEST(shown(log.due(start)) == "web 3");
    BOOST_TEST(!log.next());
    log.note("web", 2);
    log.note("web", 1);
    BOOST_TEST(shown(log.due(start + 1s)) == "");
    BOOST_TEST((log.next() == start + orphan_log::period));
    BOOST_TEST(shown(log.due(*log.next())) == "web 6");
    BOOST_TEST(!log.next());
    BOOST_TEST(shown(log.due(start + 1h)) == "");
}

BOOST_AUTO_TEST_CASE(no_group_waits_for_another) {
    orphan_log log;
    log.note("web", 1);
    log.due(start);
    log.note("web", 1);
    log.note("mail", 1);
    BOOST_TEST(shown(log.due(start + 1s)) == "mail 1");
    log.note("mail", 1);
    BOOST_TEST((log.next() == start + orphan_log::period));
    BOOST_TEST(shown(log.due(start + orphan_log::period)) == "web 2");
    BOOST_TEST((log.next() == start + 1s + orphan_log::period));
}

BOOST_AUTO_TEST_CASE(at_the_end_the_rest_is_told) {
    orphan_log log;
    log.note("web", 1);
    log.due(start);
    BOOST_TEST(shown(log.rest(start)) == "");
    log.note("web", 1);
    BOOST_TEST(shown(log.rest(start + 1s)) == "web 2");
    log.note("web", 1); // the reload has failed
    BOOST_TEST((log.next() == start + 1s + orphan_log::period));
}

BOOST_AUTO_TEST_CASE(groups_that_are_gone_are_forgotten_once_all_is_told) {
    orphan_log log;
    log.note("web", 1);
    log.note("mail", 1);
    log.due(start);
    log.note("web", 1);
    log.note("mail", 1);
    BOOST_TEST(shown(log.keep_only([](const auto& group) { return group == "mail"; })) == "web 2");
    BOOST_TEST(shown(log.rest(start)) == "mail 2");
    log.note("web", 5); // a new group of that name
    BOOST_TEST(shown(log.due(start)) == "web 5");
}

BOOST_AUTO_TEST_SUITE_END()
