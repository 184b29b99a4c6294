// SPDX-License-Identifier: GPL-3.0-or-later
//
// Histories that once broke a rule, as short as they could be made.
#include "simulation/world.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>

namespace einhyrningsins::simulation {

using namespace core;
using namespace std::chrono_literals;

/// Three old workers and one new were over the limit of a group of one, so that no other new one
/// could be started, and no old one may go before a new one has acked: the upgrade never ended.
BOOST_AUTO_TEST_CASE(resize_in_an_upgrade_that_is_limited) {
    policy wishes;
    wishes.number = 3;
    wishes.ack = ack_manual{30s};
    wishes.max_upgrade_additional = 1;
    world one(wishes, 1);
    one.happen(event::start{});
    one.pass(1s);
    one.set_temperament({.acks_after = std::nullopt, .dies_after = {}, .obeys_after = 0ms});
    one.happen(event::upgrade{upgrade_mode::rolling});
    one.pass(1ms);
    one.happen(event::resize{1});
    BOOST_TEST_REQUIRE(one.strike(worker_state::starting, SIGSEGV));
    one.set_temperament({});
    one.pass(60s);
    BOOST_TEST(!one.group().upgrade());
    BOOST_TEST(one.group().workers().size() == 1U);
}

} // namespace einhyrningsins::simulation
