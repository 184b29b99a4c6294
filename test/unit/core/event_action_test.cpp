// SPDX-License-Identifier: GPL-3.0-or-later
//
// The text of events and actions, as printed in histories of the simulation.
#include "core/action.hpp"
#include "core/event.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>

namespace einhyrningsins::core {

BOOST_AUTO_TEST_SUITE(core_event_action)

BOOST_AUTO_TEST_CASE(events) {
    BOOST_TEST(to_string(event_type(event::start{})) == "start");
    BOOST_TEST(to_string(event_type(event::stop{SIGTERM})) == "stop SIGTERM");
    BOOST_TEST(to_string(event_type(event::upgrade{upgrade_mode::fleet})) == "upgrade fleet");
    BOOST_TEST(to_string(event_type(event::resize{3})) == "resize to 3");
    BOOST_TEST(to_string(event_type(event::spawned{worker_id{7}, 101})) == "spawned #7 as 101");
    BOOST_TEST(to_string(event_type(event::spawn_failed{worker_id{7}, "fork", true})) ==
               "spawn of #7 failed: fork (scarce)");
    BOOST_TEST(to_string(event_type(event::exited{worker_id{7}, {}})) ==
               "exit of #7: exit status unknown");
    BOOST_TEST(to_string(event_type(event::acked{worker_id{7}})) == "ack of #7");
    BOOST_TEST(to_string(event_type(event::acked{worker_id{7}, SIGINT})) == "ack of #7 by SIGINT");
    BOOST_TEST(to_string(event_type(event::stalled{std::chrono::seconds(4)})) == "stalled for 4 s");
    BOOST_TEST(to_string(event_type(event::unheard{std::chrono::seconds(4)})) == "unheard for 4 s");
}

BOOST_AUTO_TEST_CASE(actions) {
    BOOST_TEST(to_string(action_type(action::begin_generation{2})) == "begin generation 2");
    BOOST_TEST(to_string(action_type(action::spawn{worker_id{7}, 1, 2})) ==
               "spawn #7 index 1 generation 2");
    BOOST_TEST(to_string(action_type(action::signal{worker_id{7}, SIGKILL, true})) ==
               "SIGKILL to #7");
    BOOST_TEST(to_string(action_type(action::tell{report_of::stopped{}})) ==
               "tell: all workers have gone");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::core
