// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/einhorn_wording.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/test/unit_test.hpp>

#include <csignal>
#include <string>

namespace einhyrningsins::protocol::einhorn {

namespace json = boost::json;
namespace report_of = core::report_of;

namespace {

using words = std::vector<std::string>;

std::string said(verb what, const words& args, bool given = true) {
    return complaint(what, {.args = args, .args_given = given}).value_or("");
}

bool says(const std::string& text, std::string_view what) {
    return text.find(what) != std::string::npos;
}

core::worker worker(core::worker_state state) {
    return {.index = 2, .generation = 3, .state = state, .pid = 123};
}

} // namespace

BOOST_AUTO_TEST_SUITE(protocol_einhorn_wording)

BOOST_AUTO_TEST_CASE(values_as_ruby_shows_them) {
    BOOST_TEST(inspect("a\"b\\\n\x01") == R"("a\"b\\\n\x01")");
    BOOST_TEST(inspect(nullptr) == "nil");
    BOOST_TEST(inspect({{"a", {1, true, 0.5}}, {"b", json::object()}}) ==
               R"({"a"=>[1, true, 0.5], "b"=>{}})");
}

BOOST_AUTO_TEST_CASE(the_number_of_workers_is_bounded) {
    for (const char* good : {"1", "3", "1000"})
        BOOST_TEST(said(verb::set_workers, {good}) == "", good);
    for (const char* bad : {"0", "-1", "1001", "x", "", "3x", "99999999999999999999"})
        BOOST_TEST(said(verb::set_workers, {bad}) ==
                   "Invalid count: '" + std::string(bad) + "'. Must be an integer in [1,1000).");
    BOOST_TEST(says(said(verb::set_workers, {}), "Invalid count: ''"));
}

BOOST_AUTO_TEST_CASE(arguments_that_are_missing) {
    for (verb what : {verb::set_workers, verb::signal, verb::config})
        BOOST_TEST(said(what, {}, false) == "No args provided");
    for (verb what : {verb::die, verb::inc, verb::state, verb::upgrade})
        BOOST_TEST(said(what, {}, false) == "");
    BOOST_TEST(said(verb::config, {}) == "Must pass in a YAML-encoded hash");
}

BOOST_AUTO_TEST_CASE(signals_and_configurations_that_are_none) {
    BOOST_TEST(said(verb::signal, {"USR1", "sighup"}) == "");
    BOOST_TEST(said(verb::signal, {"USR1", "FOO\""}) == "Invalid signal: \"FOO\\\"\"");
    BOOST_TEST(said(verb::die, {"x"}) == "Invalid signal: \"x\"");
    BOOST_TEST(said(verb::config, {"{seconds:", "3}"}) == "");
    BOOST_TEST(said(verb::config, {"[1"}) ==
               "Could not parse argument. Must be a YAML-encoded hash");
    BOOST_TEST(said(verb::config, {"[1]"}) == "Parsed argument is a Array, not a hash");
    BOOST_TEST(said(verb::config, {"x"}) == "Parsed argument is a String, not a hash");
    BOOST_TEST(said(verb::config, {"7"}) == "Parsed argument is a Integer, not a hash");
}

BOOST_AUTO_TEST_CASE(requests_that_are_none) {
    BOOST_TEST(complaint(parse_request("---%0A- x%0A").error()) == "Could not parse command");
    BOOST_TEST(says(complaint(parse_request("id: 1").error()), "No \"command\" parameter"));
    BOOST_TEST(says(complaint(parse_request("command: x%0Apid: -1").error()), "'pid'"));
}

BOOST_AUTO_TEST_CASE(help_has_every_command_of_operators_in_order) {
    std::string text = help();
    BOOST_TEST(text.starts_with("You are speaking to the Einhorn command socket."));
    std::size_t last = 0;
    for (const char* name : {"config", "dec", "die", "help", "inc", "louder", "quieter",
                             "set_workers", "signal", "state", "upgrade", "upgrade_fleet"}) {
        std::size_t at = text.find(std::string("\n") + name + ": ");
        BOOST_REQUIRE_MESSAGE(at != text.npos, name);
        BOOST_TEST(at > last, name);
        last = at;
    }
    BOOST_TEST(!says(text, "worker:ack"));
    BOOST_TEST(unrecognized("foo").starts_with("Unrecognized command: \"foo\"\n\nconfig: "));
}

BOOST_AUTO_TEST_CASE(the_welcome) {
    BOOST_TEST(welcome("me", 12, "")
                   .starts_with("Welcome, me! You are speaking to Einhorn Master Process 12.\nThis "
                                "is Einhorn 0.8.2"));
    BOOST_TEST(says(welcome("", 12, "web"), "Process 12 (web)."));
}

BOOST_AUTO_TEST_CASE(changes_of_the_number_of_workers) {
    BOOST_TEST(resized(verb::inc, 1, 2) == "Incrementing number of workers from 1 -> 2");
    BOOST_TEST(resized(verb::dec, 2, 1) == "Decrementing number of workers from 2 -> 1");
    BOOST_TEST(resized(verb::set_workers, 2, 5) ==
               "Altering worker count, 2 -> 5. Will spin up additional workers.");
    BOOST_TEST(resized(verb::set_workers, 5, 2) ==
               "Altering worker count, 5 -> 2. Will gracefully terminate workers.");
    BOOST_TEST(resized(verb::set_workers, 2, 2) == "");
    BOOST_TEST(says(cannot_decrease(1, 77), "(already at 1).  Run kill 77 "));
}

BOOST_AUTO_TEST_CASE(signals_that_were_sent) {
    BOOST_TEST(sent(SIGUSR2, {1, 22}) == "Successfully sent USR2s to 2 processes: [1, 22]");
    BOOST_TEST(sent(SIGTERM, {}) == "Successfully sent TERMs to 0 processes: []");
}

BOOST_AUTO_TEST_CASE(the_course_of_an_upgrade) {
    using core::upgrade_mode;
    BOOST_TEST(upgrading(verb::upgrade) == std::string("Upgrading smoothly, as commanded"));
    BOOST_TEST(upgrading(verb::upgrade_fleet) == std::string("Upgrading fleet, as commanded"));
    BOOST_TEST(describe(report_of::upgrade_began{upgrade_mode::rolling, 2, 3}) ==
               "Starting smooth upgrade from version 0...");
    BOOST_TEST(describe(report_of::upgrade_began{upgrade_mode::fleet, 5, 3}) ==
               "Starting fleet upgrade from version 3...");
    BOOST_TEST(describe(report_of::worker_started{worker(core::worker_state::starting)}) ==
               "===> Launched 123 (index: 2)");
    BOOST_TEST(describe(report_of::upgrade_advanced{2, 1, 3}) == "Up to 1 / 3 ACKs");
    BOOST_TEST(says(describe(report_of::upgrade_overtaken{2}), "starting over"));
    BOOST_TEST(describe(report_of::upgrade_done{2}) ==
               "Upgraded successfully to version 1 (Einhorn 0.8.2).");
    BOOST_TEST(describe(report_of::upgrade_aborted{.generation = 2, .reason = "x"})
                   .starts_with("ERROR: Upgrade to generation 2 aborted: x"));
}

BOOST_AUTO_TEST_CASE(the_death_of_a_worker) {
    auto died = [](core::worker_state state) {
        return describe(report_of::worker_died{worker(state), {}, {}, false});
    };
    BOOST_TEST(died(core::worker_state::starting)
                   .starts_with("===> Exited worker 123 before it was ACKed"));
    BOOST_TEST(died(core::worker_state::ready).starts_with("===> Exited worker 123 ("));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::protocol::einhorn
