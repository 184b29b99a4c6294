// SPDX-License-Identifier: GPL-3.0-or-later
//
// The upgrades of a group (SPEC 7.4).
#include "unit/core/life.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>

namespace einhyrningsins::core {
namespace {

using namespace std::chrono_literals;

const exit_cause crashed{exit_cause::kind_type::signaled, SIGSEGV};
const event::upgrade rolling{upgrade_mode::rolling};
const event::upgrade fleet{upgrade_mode::fleet};

policy manual(unsigned number, unsigned max_unacked = 100) {
    return {.number = number, .ack = ack_manual{30s}, .max_unacked = max_unacked};
}

/// A group whose first generation serves; the next process has the pid 101 + number.
life serving(policy wishes) {
    life one(wishes);
    one.start();
    for (unsigned i = 0; i < wishes.number; ++i)
        one.ack(101 + static_cast<process_id>(i));
    one.deeds();
    one.news();
    return one;
}

} // namespace

BOOST_AUTO_TEST_SUITE(core_group_upgrade)

BOOST_AUTO_TEST_CASE(each_ack_sends_one_old_worker_away) {
    life one = serving(manual(2, 1));
    one.happens(rolling);
    BOOST_TEST(one.deeds() == (lines{"generation 2", "spawn 103 index 2 generation 2"}));
    one.ack(103);
    BOOST_TEST(one.deeds() == (lines{"SIGUSR2 to 101", "spawn 104 index 3 generation 2"}));
    BOOST_TEST(one.group().upgrade().has_value());
    one.ack(104);
    BOOST_TEST(one.deeds() == lines{"SIGUSR2 to 102"});
    BOOST_TEST(!one.group().upgrade().has_value());
    BOOST_TEST(one.workers() == (lines{"101 stopping", "102 stopping", "103 ready", "104 ready"}));
}

BOOST_AUTO_TEST_CASE(it_is_told_from_the_beginning_to_the_end) {
    life one = serving(manual(1));
    one.happens(rolling);
    one.ack(102);
    BOOST_TEST(one.news() ==
               (lines{"the upgrade is prepared", "rolling upgrade to generation 2 begins, 1 worker",
                      "worker 102 (index 1, generation 2) started",
                      "worker 102 (index 1, generation 2) is ready after 0 ms",
                      "upgrade to generation 2: 1 of 1 ready", "Upgrade done"}));
}

/// Whoever asks after the event and before it is told waits for the next one.
BOOST_AUTO_TEST_CASE(what_came_before_a_request_is_told_before_it) {
    life one = serving(manual(1));
    one.happens_first(rolling);
    BOOST_TEST(one.group().upgrades_asked() == 1U);
    one.happens_first(event::stop{SIGTERM});
    one.happens(rolling);
    BOOST_TEST(one.group().upgrades_asked() == 2U);
    BOOST_TEST(one.news() ==
               (lines{"the upgrade is prepared", "rolling upgrade to generation 2 begins, 1 worker",
                      "Upgrade to generation 2 aborted: the group was told to stop",
                      "the upgrade is prepared", "Upgrade refused: the group is being stopped"}));
}

BOOST_AUTO_TEST_CASE(old_workers_that_linger_keep_no_upgrade_from_its_end) {
    life one = serving(manual(1));
    one.happens(rolling);
    one.ack(102);
    BOOST_TEST(one.hears("Upgrade done"));
    one.happens(rolling);
    one.ack(103);
    BOOST_TEST(one.hears("Upgrade done"));
    BOOST_TEST(one.workers() == (lines{"101 stopping", "102 stopping", "103 ready"}));
}

BOOST_AUTO_TEST_CASE(a_fleet_goes_together) {
    life one = serving(manual(2, 1));
    one.happens(fleet);
    BOOST_TEST(one.deeds() == (lines{"generation 2", "spawn 103 index 2 generation 2",
                                     "spawn 104 index 3 generation 2"}));
    one.ack(104);
    BOOST_TEST(one.deeds() == lines());
    one.ack(103);
    BOOST_TEST(one.deeds() == (lines{"SIGUSR2 to 101", "SIGUSR2 to 102"}));
    BOOST_TEST(one.hears("Upgrade done"));
}

BOOST_AUTO_TEST_CASE(instant_acks_need_no_pause) {
    life one({.number = 4, .ack = ack_timer{0s}, .max_unacked = 1});
    one.start();
    time_point begin = one.now();
    one.happens(rolling);
    BOOST_TEST(one.hears("Upgrade done"));
    BOOST_TEST((one.now() == begin));
}

BOOST_AUTO_TEST_CASE(a_broken_program_is_given_five_attempts_and_no_old_worker_notices) {
    life one = serving(manual(2, 1));
    one.happens(rolling);
    for (process_id pid = 103; pid < 108; ++pid) {
        BOOST_TEST(one.group().upgrade().has_value());
        one.exit(pid, crashed);
        one.pass(15s);
    }
    BOOST_TEST(!one.group().upgrade().has_value());
    BOOST_TEST(one.workers() == (lines{"101 ready", "102 ready"}));
    for (const std::string& deed : one.deeds())
        BOOST_TEST(deed.find(" to 10") == std::string::npos, deed);
    BOOST_TEST(one.group().current().generation == 1U);
    one.exit(101, crashed);
    BOOST_TEST(one.deeds() == lines{"spawn 108 index 0 generation 1"});
}

BOOST_AUTO_TEST_CASE(an_abort_says_which_workers_ended_how) {
    policy wishes = manual(1);
    wishes.retries = 2;
    life one = serving(wishes);
    one.happens(rolling);
    one.pass(500ms);
    one.exit(102, {exit_cause::kind_type::exited, 3});
    one.refuse("exec /bin/x: No such file or directory");
    one.news();
    one.pass(2s);
    BOOST_TEST(one.hears("Upgrade to generation 2 aborted: 2 attempts in a row to start a worker "
                         "of it failed (worker 102: exit code 3 after 500 ms; index 1: exec "
                         "/bin/x: No such file or directory); 1 worker keeps serving"));
}

BOOST_AUTO_TEST_CASE(new_workers_without_an_ack_go_with_their_upgrade) {
    policy wishes = manual(2);
    wishes.retries = 1;
    life one = serving(wishes);
    one.happens(rolling);
    one.deeds();
    one.exit(103, crashed);
    BOOST_TEST(one.deeds() == lines{"SIGUSR2 to 104"});
    one.ack(104); // too late
    BOOST_TEST(one.workers() == (lines{"101 ready", "102 ready", "104 stopping"}));
}

BOOST_AUTO_TEST_CASE(new_workers_that_have_acked_stay_after_an_abort) {
    policy wishes = manual(2, 1);
    wishes.retries = 1;
    life one = serving(wishes);
    one.happens(rolling);
    one.ack(103);
    one.exit(104, crashed);
    BOOST_TEST(one.hears("2 workers keep serving"));
    BOOST_TEST(one.workers() == (lines{"101 stopping", "102 ready", "103 ready"}));
    one.deeds();
    one.exit(103, crashed);
    BOOST_TEST(one.deeds() == lines{"spawn 105 index 2 generation 1"});
}

BOOST_AUTO_TEST_CASE(an_old_worker_that_dies_before_the_first_ack_is_replaced_in_its_generation) {
    life one = serving(manual(2, 1));
    one.happens(rolling);
    one.deeds();
    one.exit(101, crashed);
    BOOST_TEST(one.deeds() == lines{"spawn 104 index 0 generation 1"});
    one.ack(103);
    BOOST_TEST(one.deeds() == (lines{"SIGUSR2 to 104", "spawn 105 index 3 generation 2"}));
}

BOOST_AUTO_TEST_CASE(after_the_first_ack_it_is_replaced_by_a_new_one) {
    life one = serving(manual(2, 1));
    one.happens(rolling);
    one.ack(103);
    one.deeds();
    one.exit(102, crashed);
    BOOST_TEST(one.deeds() == lines());
    one.ack(104);
    BOOST_TEST(one.hears("Upgrade done"));
}

BOOST_AUTO_TEST_CASE(ten_requests_at_once_are_one_upgrade) {
    life one = serving(manual(1));
    for (int i = 0; i < 10; ++i)
        one.happens_first(rolling);
    one.pass(0s);
    BOOST_TEST(one.deeds() == (lines{"generation 2", "spawn 102 index 1 generation 2"}));
    BOOST_TEST(!one.hears("overtaken"));
}

BOOST_AUTO_TEST_CASE(ten_requests_in_a_row_are_two) {
    life one = serving(manual(1));
    for (int i = 0; i < 10; ++i)
        one.happens(rolling);
    lines told = one.news();
    BOOST_TEST(std::ranges::count_if(told, [](const std::string& line) {
                   return line.find("was overtaken by another") != std::string::npos;
               }) == 1);
    one.ack(102);
    one.ack(103);
    BOOST_TEST(one.hears("Upgrade done"));
    BOOST_TEST(one.group().current().generation == 3U);
}

BOOST_AUTO_TEST_CASE(an_upgrade_that_hangs_is_overtaken) {
    life one = serving(manual(2));
    one.happens(rolling);
    one.happens(fleet);
    one.deeds();
    one.pass(999ms);
    BOOST_TEST(one.deeds() == lines());
    one.pass(1ms);
    BOOST_TEST(one.deeds() ==
               (lines{"SIGUSR2 to 103", "SIGUSR2 to 104", "generation 3",
                      "spawn 105 index 4 generation 3", "spawn 106 index 5 generation 3"}));
    BOOST_TEST((one.group().upgrade()->mode == upgrade_mode::fleet));
}

BOOST_AUTO_TEST_CASE(a_failed_upgrade_is_followed_by_the_one_that_was_asked_for) {
    policy wishes = manual(1);
    wishes.retries = 1;
    life one = serving(wishes);
    one.happens(rolling);
    one.happens(rolling);
    one.exit(102, crashed);
    BOOST_TEST(!one.hears("aborted"));
    BOOST_TEST(one.group().current().generation == 3U);
    one.ack(103);
    BOOST_TEST(one.hears("Upgrade done"));
}

BOOST_AUTO_TEST_CASE(the_limit_of_additional_workers) {
    policy wishes = manual(2);
    wishes.max_upgrade_additional = 1;
    life one = serving(wishes);
    one.happens(rolling);
    BOOST_TEST(one.deeds() == (lines{"generation 2", "spawn 103 index 2 generation 2"}));
    one.ack(103);
    BOOST_TEST(one.deeds() == lines{"SIGUSR2 to 101"});
    BOOST_TEST(one.hears("waits for 1 old worker to exit (--max-upgrade-additional)"));
    one.exit(101);
    BOOST_TEST(one.deeds() == lines{"spawn 104 index 0 generation 2"});
    one.ack(104);
    BOOST_TEST(one.hears("Upgrade done"));
}

BOOST_AUTO_TEST_CASE(a_resize_in_an_upgrade) {
    life one = serving(manual(2));
    one.happens(rolling);
    one.deeds();
    one.happens(event::resize{1});
    BOOST_TEST(one.deeds() == lines{"SIGUSR2 to 104"});
    one.ack(103);
    BOOST_TEST(one.deeds() == (lines{"SIGUSR2 to 101", "SIGUSR2 to 102"}));
    BOOST_TEST(one.hears("Upgrade done"));
}

/// A new worker has got the room of an old one that ended for good.
BOOST_AUTO_TEST_CASE(a_resize_brings_back_no_old_worker_beyond_the_limit) {
    policy wishes = manual(2);
    wishes.max_upgrade_additional = 1;
    wishes.restart = restart_policy::on_failure;
    life one = serving(wishes);
    one.happens(rolling);
    one.deeds();
    one.exit(102, {exit_cause::kind_type::exited, 0});
    BOOST_TEST(one.deeds() == lines{"spawn 104 index 1 generation 2"});
    one.happens(event::resize{2});
    BOOST_TEST(one.deeds() == lines{});
    one.ack(103);
    one.ack(104);
    BOOST_TEST(one.deeds() == lines{"SIGUSR2 to 101"});
    BOOST_TEST(one.hears("Upgrade done"));
}

BOOST_AUTO_TEST_CASE(a_group_that_gave_up_may_be_upgraded) {
    policy wishes = manual(1);
    wishes.retries = 0;
    life one(wishes);
    one.start();
    one.exit(101);
    BOOST_TEST(one.group().phase() == group_phase::given_up);
    one.happens(rolling);
    BOOST_TEST(one.group().phase() == group_phase::running);
    one.ack(102);
    BOOST_TEST(one.hears("Upgrade done"));
}

BOOST_AUTO_TEST_CASE(and_gives_up_again_if_that_fails) {
    policy wishes = manual(1);
    wishes.retries = 0;
    life one(wishes);
    one.start();
    one.exit(101);
    one.happens(rolling);
    one.exit(102);
    BOOST_TEST(one.group().phase() == group_phase::given_up);
    BOOST_TEST(one.hears("; no worker is ready"));
}

BOOST_AUTO_TEST_CASE(a_group_that_does_not_run_refuses) {
    auto is_refused = [](life& group, const char* why) {
        group.deeds();
        group.news();
        group.happens(rolling);
        BOOST_TEST(group.news() ==
                   (lines{"the upgrade is prepared", std::string("Upgrade refused: ") + why}));
        BOOST_TEST(group.deeds() == lines());
    };
    life stopped(manual(1));
    is_refused(stopped, "the group is stopped");
    BOOST_TEST(stopped.group().phase() == group_phase::stopped);
    life waiting({.on_demand = true});
    waiting.happens(event::open{});
    is_refused(waiting, "the group has not been started yet");
    life stopping = serving(manual(1));
    stopping.happens(event::stop{SIGTERM});
    is_refused(stopping, "the group is being stopped");
}

BOOST_AUTO_TEST_CASE(each_request_is_answered) {
    life one = serving(manual(1));
    one.happens_first(rolling);
    one.happens_first(rolling);
    one.pass(0s);
    one.happens(rolling);
    one.happens(rolling);
    lines answers = one.news();
    std::erase_if(answers, [](const std::string& line) { return line.starts_with("worker"); });
    std::string prepared = "the upgrade is prepared";
    BOOST_TEST(answers ==
               (lines{prepared, "rolling upgrade to generation 2 begins, 1 worker", prepared,
                      "this request is served by the upgrade to generation 2", prepared,
                      "upgrade to generation 2 was overtaken by another; starting over with a new "
                      "generation",
                      prepared,
                      "this request is served by the upgrade that follows the one to generation "
                      "2"}));
}

BOOST_AUTO_TEST_CASE(a_worker_that_died_just_before_is_replaced_by_a_new_one) {
    life one = serving(manual(2, 2));
    one.happens_first(event::exited{one.id(101), crashed});
    one.happens(rolling);
    BOOST_TEST(one.deeds() == (lines{"generation 2", "spawn 103 index 0 generation 2",
                                     "spawn 104 index 2 generation 2"}));
    one.ack(103);
    BOOST_TEST(one.deeds() == lines()); // 102 keeps the group at two
    one.ack(104);
    BOOST_TEST(one.deeds() == lines{"SIGUSR2 to 102"});
    BOOST_TEST(one.hears("Upgrade done"));
}

BOOST_AUTO_TEST_CASE(what_a_generation_runs_is_kept_as_long_as_it_may_be_started) {
    life one = serving(manual(1));
    BOOST_TEST(one.group().needs(1));
    one.happens(rolling);
    BOOST_TEST(one.group().needs(1));
    BOOST_TEST(one.group().needs(2));
    one.ack(102);
    BOOST_TEST(!one.group().needs(1));
    BOOST_TEST(one.group().needs(2));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::core
