// SPDX-License-Identifier: GPL-3.0-or-later
//
// The life of a reload: what happens, and what is to be done.
#include "machine/reload.hpp"
#include "unit/core/life.hpp"

#include <boost/test/unit_test.hpp>

namespace einhyrningsins::machine {
namespace {

using core::lines;

std::string text(const reload_action::begin_trial& a) { return "trial " + std::to_string(a.trial); }
std::string text(const reload_action::settle&) { return "settle"; }
std::string text(const reload_action::kill&) { return "kill"; }
std::string text(const reload_action::announce&) { return "announce"; }
std::string text(const reload_action::execute&) { return "execute"; }
std::string text(const reload_action::refuse& a) { return "refuse: " + a.why; }

lines texts(const reload::actions& actions) {
    lines all;
    for (const auto& action : actions)
        all.push_back(
            std::visit([](const auto& alternative) { return text(alternative); }, action));
    return all;
}

/// One whose first trial run is under way.
reload trying() {
    reload machine;
    machine.request();
    BOOST_TEST(texts(machine.tick()) == lines{"settle"});
    BOOST_TEST(texts(machine.settled("")) == lines{"trial 1"});
    return machine;
}

} // namespace

BOOST_AUTO_TEST_SUITE(machine_reload)

BOOST_AUTO_TEST_CASE(a_trial_run_and_then_the_exec) {
    reload machine;
    BOOST_TEST(!machine.has_work());
    BOOST_TEST(texts(machine.tick()) == lines{});
    machine.request();
    BOOST_TEST(machine.has_work());
    BOOST_TEST(texts(machine.tick()) == lines{"settle"});
    BOOST_TEST(texts(machine.settled("")) == lines{"trial 1"});
    BOOST_TEST(!machine.has_work());
    machine.ended(1, "");
    BOOST_TEST(machine.has_work());
    BOOST_TEST(texts(machine.tick()) == (lines{"announce", "settle"}));
    BOOST_TEST(texts(machine.settled("")) == lines{"execute"});
    BOOST_TEST(texts(machine.failed("no such file")) == lines{"refuse: no such file"});
    BOOST_TEST((machine.now() == reload::phase::idle));
}

BOOST_AUTO_TEST_CASE(requests_join_what_is_under_way) {
    reload machine = trying();
    machine.request();
    BOOST_TEST(!machine.has_work());
    machine.ended(1, "");
    machine.request();
    BOOST_TEST(texts(machine.tick()) == (lines{"announce", "settle"}));
    BOOST_TEST(texts(machine.settled("")) == lines{"execute"});
}

BOOST_AUTO_TEST_CASE(a_trial_run_that_does_not_end_well) {
    reload machine = trying();
    machine.ended(1, "it ended with exit code 1");
    BOOST_TEST(texts(machine.tick()) == lines{"refuse: it ended with exit code 1"});
    machine.request(); // a new beginning
    BOOST_TEST(texts(machine.tick()) == lines{"settle"});
    BOOST_TEST(texts(machine.settled("")) == lines{"trial 2"});
    BOOST_TEST(texts(machine.failed("no memory")) == (lines{"kill", "refuse: no memory"}));
}

BOOST_AUTO_TEST_CASE(a_trial_run_that_takes_too_long) {
    reload machine = trying();
    BOOST_TEST(texts(machine.overdue(1, "too long")) == (lines{"kill", "refuse: too long"}));
    BOOST_TEST(texts(machine.overdue(1, "too long")) == lines{});
}

BOOST_AUTO_TEST_CASE(news_of_an_earlier_trial_run_is_ignored) {
    reload machine = trying();
    BOOST_TEST(texts(machine.cancel("stop")) == (lines{"kill", "refuse: stop"}));
    machine.request();
    BOOST_TEST(texts(machine.tick()) == lines{"settle"});
    BOOST_TEST(texts(machine.settled("")) == lines{"trial 2"});
    machine.ended(1, "it ended with SIGKILL");
    BOOST_TEST(texts(machine.overdue(1, "too long")) == lines{});
    BOOST_TEST(!machine.has_work());
    machine.ended(2, "");
    BOOST_TEST(texts(machine.overdue(2, "too long")) == lines{});
    BOOST_TEST(texts(machine.tick()) == (lines{"announce", "settle"}));
    BOOST_TEST(texts(machine.settled("")) == lines{"execute"});
}

BOOST_AUTO_TEST_CASE(log_files_that_do_not_answer_end_it) {
    reload machine;
    machine.request();
    BOOST_TEST(texts(machine.tick()) == lines{"settle"});
    BOOST_TEST(texts(machine.settled("/log does not answer")) ==
               lines{"refuse: /log does not answer"});
    BOOST_TEST(texts(machine.settled("")) == lines{});
}

BOOST_AUTO_TEST_CASE(the_next_reload_makes_do_with_a_wait_that_is_under_way) {
    reload machine;
    machine.request();
    BOOST_TEST(texts(machine.tick()) == lines{"settle"});
    BOOST_TEST(texts(machine.cancel("stop")) == lines{"refuse: stop"});
    machine.request();
    BOOST_TEST(texts(machine.tick()) == lines{});
    BOOST_TEST(texts(machine.settled("")) == lines{"trial 1"});
}

BOOST_AUTO_TEST_CASE(it_can_be_cancelled_at_any_time) {
    reload idle;
    BOOST_TEST(texts(idle.cancel("stop")) == lines{});
    reload wanted;
    wanted.request();
    BOOST_TEST(texts(wanted.cancel("stop")) == lines{"refuse: stop"});
    reload tried = trying();
    tried.ended(1, "");
    BOOST_TEST(texts(tried.cancel("stop")) == lines{"refuse: stop"});
    BOOST_TEST(texts(tried.tick()) == lines{});
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::machine
