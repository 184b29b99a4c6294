// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>

namespace einhyrningsins::core {
namespace {

using namespace std::chrono_literals;

const worker somebody{.index = 2, .generation = 3, .state = worker_state::starting, .pid = 4711};
const exit_cause code_one{exit_cause::kind_type::exited, 1};

} // namespace

BOOST_AUTO_TEST_SUITE(core_report)

BOOST_AUTO_TEST_CASE(lengths_of_time) {
    BOOST_TEST(to_string(duration(0ms)) == "0 ms");
    BOOST_TEST(to_string(duration(350ms)) == "350 ms");
    BOOST_TEST(to_string(duration(999999us)) == "999 ms");
    BOOST_TEST(to_string(duration(1s)) == "1 s");
    BOOST_TEST(to_string(duration(1500ms)) == "1.5 s");
    BOOST_TEST(to_string(duration(59s)) == "59 s");
    BOOST_TEST(to_string(duration(60s)) == "1 min 0 s");
    BOOST_TEST(to_string(duration(123s)) == "2 min 3 s");
    BOOST_TEST(to_string(duration(5h + 10min + 59s)) == "5 h 10 min");
    BOOST_TEST(to_string(duration(100h)) == "100 h 0 min");
}

BOOST_AUTO_TEST_CASE(a_death_says_whether_it_was_wanted) {
    worker young = somebody;
    worker grown = somebody;
    grown.state = worker_state::ready;
    BOOST_TEST(to_string(report_of::worker_died{young, code_one, 20ms, false}) ==
               "worker 4711 (index 2, generation 3) died before its ack: exit code 1, after 20 ms");
    BOOST_TEST(to_string(report_of::worker_died{grown, code_one, 2h, false}) ==
               "worker 4711 (index 2, generation 3) died: exit code 1, after 2 h 0 min");
    BOOST_TEST(to_string(report_of::worker_died{grown, code_one, 2h, true}) ==
               "worker 4711 (index 2, generation 3) has gone: exit code 1, after 2 h 0 min");
    BOOST_TEST(
        (severity_of(report_of::worker_died{grown, code_one, 2h, false}) == severity::warning));
    BOOST_TEST((severity_of(report_of::worker_died{grown, code_one, 2h, true}) == severity::info));
    report_of::worker_died done{young, {exit_cause::kind_type::exited}, 20ms, false, true};
    BOOST_TEST(
        to_string(done).ends_with(" has ended: exit code 0, after 20 ms; it is not started again"));
    BOOST_TEST((severity_of(done) == severity::info));
}

BOOST_AUTO_TEST_CASE(what_it_is_about) {
    auto about = [](const report& what) {
        subject found = subject_of(what);
        return std::string(found.event) + " " + (found.index ? std::to_string(*found.index) : "-") +
               " " + std::to_string(found.pid) + " " + std::to_string(found.generation);
    };
    BOOST_TEST(about(report_of::worker_died{somebody, code_one, 2h, true}) ==
               "worker_died 2 4711 3");
    BOOST_TEST(about(report_of::start_failed{0, 3, "fork", true}) == "start_failed 0 0 3");
    BOOST_TEST(about(report_of::upgrade_done{5}) == "upgrade_done - 0 5");
    BOOST_TEST(about(report_of::upgrader_began{"/bin/x", 17}) == "upgrader_began - 0 0");
    BOOST_TEST(about(report_of::stopped{}) == "stopped - 0 0");
}

BOOST_AUTO_TEST_CASE(what_comes_next) {
    BOOST_TEST(to_string(report_of::backing_off{1, 1s}) == "trying again in 1 s");
    BOOST_TEST(to_string(report_of::backing_off{0, 1s}) == "trying again in 1 s");
    BOOST_TEST(to_string(report_of::backing_off{3, 2250ms}) ==
               "3 failures in a row; trying again in 2.25 s");
    BOOST_TEST(to_string(report_of::gave_up{1}) == "giving up after 1 death before ack in a row");
    BOOST_TEST(
        to_string(report_of::escalated{somebody, SIGTERM, 60s}) ==
        "worker 4711 (index 2, generation 3) is still there after 1 min 0 s; sending SIGTERM");
}

BOOST_AUTO_TEST_CASE(a_start_that_failed) {
    BOOST_TEST(to_string(report_of::start_failed{0, 2, "exec x: No such file", false}) ==
               "cannot start a worker of generation 2: exec x: No such file");
    BOOST_TEST(to_string(report_of::start_failed{0, 2, "fork: no room", true}) ==
               "cannot start a worker of generation 2: fork: no room; what runs is kept");
}

BOOST_AUTO_TEST_CASE(an_abort_tells_how_each_attempt_ended) {
    report_of::upgrade_aborted what{2, "2 attempts failed", {}, 4};
    what.failures = {{100, 0, "exit code 1", 30ms}, {0, 1, "exec x: No such file", 0ms}};
    BOOST_TEST(to_string(what) == "Upgrade to generation 2 aborted: 2 attempts failed (worker 100: "
                                  "exit code 1 after 30 ms; index 1: exec x: No such file); 4 "
                                  "workers keep serving");
    what.failures.push_back({101, 0, "exit code 1", 10ms});
    what.failures.push_back({102, 2, "exit code 1", 20ms});
    what.failures.push_back({0, 3, "exec x: No such file", 0ms});
    BOOST_TEST(to_string(what) ==
               "Upgrade to generation 2 aborted: 2 attempts failed (3 times, the last worker 102: "
               "exit code 1 after 20 ms; 2 times, the last index 3: exec x: No such file); 4 "
               "workers keep serving");
    what.failures.clear();
    what.serving = 1;
    BOOST_TEST(to_string(what) ==
               "Upgrade to generation 2 aborted: 2 attempts failed; 1 worker keeps serving");
    what.serving = 0;
    BOOST_TEST(to_string(what) ==
               "Upgrade to generation 2 aborted: 2 attempts failed; no worker is ready");
    what.serving.reset();
    BOOST_TEST(to_string(what) == "Upgrade to generation 2 aborted: 2 attempts failed");
    BOOST_TEST((severity_of(what) == severity::error));
}

BOOST_AUTO_TEST_CASE(what_comes_before_an_upgrade) {
    BOOST_TEST(to_string(report_of::upgrader_began{"deploy", 12}) ==
               "running the upgrader deploy, process 12");
    BOOST_TEST(to_string(report_of::upgrader_done{}) == "the upgrader is done");
    BOOST_TEST(to_string(report_of::upgrade_prepared{1}) == "the upgrade is prepared");
    report_of::upgrade_cancelled what{"upgrader ended with exit code 3"};
    BOOST_TEST(to_string(what) == "Upgrade cancelled: upgrader ended with exit code 3");
    BOOST_TEST((severity_of(what) == severity::error));
}

BOOST_AUTO_TEST_CASE(the_answer_to_a_request_for_an_upgrade) {
    report_of::upgrade_refused refused{"the group is stopped"};
    BOOST_TEST(to_string(refused) == "Upgrade refused: the group is stopped");
    BOOST_TEST((severity_of(refused) == severity::error));
    report_of::upgrade_joined joined{2, false};
    BOOST_TEST(to_string(joined) == "this request is served by the upgrade to generation 2");
    BOOST_TEST((severity_of(joined) == severity::debug));
}

BOOST_AUTO_TEST_CASE(the_course_of_an_upgrade) {
    BOOST_TEST(to_string(report_of::upgrade_began{upgrade_mode::fleet, 2, 1}) ==
               "fleet upgrade to generation 2 begins, 1 worker");
    BOOST_TEST(to_string(report_of::upgrade_advanced{2, 1, 4}) ==
               "upgrade to generation 2: 1 of 4 ready");
    BOOST_TEST(to_string(report_of::upgrade_held{2, 3}) ==
               "upgrade to generation 2 waits for 3 old workers to exit "
               "(--max-upgrade-additional)");
    BOOST_TEST(to_string(report_of::upgrade_overtaken{2}) ==
               "upgrade to generation 2 was overtaken by another; starting over with a new "
               "generation");
    BOOST_TEST(to_string(report_of::upgrade_done{2}) == "Upgrade done");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::core
