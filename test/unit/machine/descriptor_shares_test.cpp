// SPDX-License-Identifier: GPL-3.0-or-later
#include "machine/descriptor_shares.hpp"

#include <boost/test/unit_test.hpp>

namespace einhyrningsins::machine {

using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(machine_descriptor_shares)

BOOST_AUTO_TEST_CASE(a_few_clients_are_always_accepted) {
    for (std::size_t clients = 0; clients < fewest_clients; ++clients)
        BOOST_TEST(may_accept(clients, 0, 64));
    BOOST_TEST(!may_accept(fewest_clients, 0, 64));
}

BOOST_AUTO_TEST_CASE(others_leave_a_quarter_but_not_more_than_the_master_can_need) {
    BOOST_TEST(!may_accept(100, 16, 64));
    BOOST_TEST(may_accept(100, 17, 64));
    BOOST_TEST(!may_accept(100'000, 64, 1'000'000));
    BOOST_TEST(may_accept(100'000, 65, 1'000'000));
}

BOOST_AUTO_TEST_CASE(workers_leave_what_clients_need) {
    BOOST_TEST(may_start(fewest_clients));
    BOOST_TEST(!may_start(fewest_clients - 1));
}

BOOST_AUTO_TEST_CASE(who_waits_for_an_answer_gives_way_later) {
    core::time_point now(5s);
    BOOST_TEST((gives_way_at(now, false) == now + 1s));
    BOOST_TEST((gives_way_at(now, true) == now + 10s));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::machine
