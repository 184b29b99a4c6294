// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/status.hpp"

#include "protocol/json_text.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/test/unit_test.hpp>

#include <csignal>

namespace einhyrningsins::master {

using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

const core::time_point now{1h};

worker_view worker(core::process_id pid, unsigned index) {
    worker_view view;
    view.facts = {.id = core::worker_id(pid),
                  .index = index,
                  .generation = 2,
                  .state = core::worker_state::ready,
                  .pid = pid,
                  .since = now - 2500ms};
    return view;
}

master_view small_view() {
    group_view group;
    group.settings.name = "web";
    group.settings.command = {"caf\xe9"};
    group.activity = group_activity::running;
    group.in_service = group.newest = 2;
    group.ready = 1;
    group.workers = {worker(7, 0), worker(8, 1)};
    group.workers[0].memory_bytes = 4096;
    return {.pid = 5,
            .control_socket = "/run/c.sock",
            .taken_at = now,
            .started_at = now - 4176ms,
            .groups = {group}};
}

} // namespace

BOOST_AUTO_TEST_SUITE(master_status)

BOOST_AUTO_TEST_CASE(the_trouble_of_the_master) {
    master_view view = small_view();
    view.trouble = "clients have to wait";
    BOOST_TEST(status_data(view).at("master").at("trouble") == json::value(view.trouble));
}

BOOST_AUTO_TEST_CASE(it_shows_what_is_in_the_view) {
    json::value data = status_data(small_view());
    BOOST_TEST(data.at("master").at("pid") == json::value(5));
    BOOST_TEST(data.at("master").at("trouble").is_null());
    const json::value& group = data.at("groups").at(0);
    BOOST_TEST(group.at("name") == json::value("web"));
    BOOST_TEST(group.at("state") == json::value("running"));
    BOOST_TEST(group.at("generation") == json::value(2));
    BOOST_TEST(group.at("upgrade").is_null());
    BOOST_TEST(group.at("last_death").is_null());
    BOOST_TEST(group.at("workers").at(0).at("pid") == json::value(7));
    BOOST_TEST(group.at("workers").at(1).at("index") == json::value(1));
}

BOOST_AUTO_TEST_CASE(memory_that_is_not_known_is_null) {
    json::value data = status_data(small_view());
    const json::value& workers = data.at("groups").at(0).at("workers");
    BOOST_TEST(workers.at(0).at("memory_bytes") == json::value(4096));
    BOOST_TEST(workers.at(1).at("memory_bytes").is_null());
}

BOOST_AUTO_TEST_CASE(times_are_plain_seconds_with_milliseconds) {
    std::string text = protocol::json_text(status_data(small_view()));
    BOOST_TEST(text.find("\"uptime_s\":4.176,") != text.npos, text);
    BOOST_TEST(text.find("\"age_s\":2.5,") != text.npos, text);
}

BOOST_AUTO_TEST_CASE(an_upgrade_shows_both_generations) {
    master_view view = small_view();
    group_view& group = view.groups[0];
    group.activity = group_activity::upgrading;
    group.upgrade.emplace().mode = core::upgrade_mode::fleet;
    group.newest = 3;
    group.upgraded = 1;
    group.policy.number = 2;
    json::value data = status_data(view);
    const json::value& shown = data.at("groups").at(0);
    BOOST_TEST(shown.at("generation") == json::value(2));
    BOOST_TEST(shown.at("upgrade") ==
               (json::value{{"mode", "fleet"}, {"generation", 3}, {"acked", 1}, {"of", 2}}));
}

BOOST_AUTO_TEST_CASE(state_adds_settings_and_what_workers_were_told) {
    master_view view = small_view();
    core::worker& stopping = view.groups[0].workers[0].facts;
    stopping.state = core::worker_state::stopping;
    stopping.told = {.signal = SIGTERM, .at = now - 1s};
    json::value data = state_data(view);
    const json::value& shown = data.at("groups").at(0);
    BOOST_TEST(shown.at("workers").at(0).at("last_signal") == json::value("SIGTERM"));
    BOOST_TEST(shown.at("workers").at(0).at("last_signaled_s_ago") == json::value(1.0));
    BOOST_TEST(!shown.at("workers").at(1).as_object().contains("last_signal"));
    BOOST_TEST(json::value(shown.at("config").at("ack").at("mode")).is_string());
    BOOST_TEST(protocol::json_text(shown.at("config").at("command")) == R"(["caf\ufffd"])");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::master
