// SPDX-License-Identifier: GPL-3.0-or-later
//
// Histories that once violated an invariant.
#include "simulation/replay.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>

namespace einhyrningsins::simulation {
namespace {

using namespace std::chrono_literals;
using enum step_kind;

void check(const history& what) {
    if (auto broken = replay(what)) BOOST_ERROR(explain(what, *broken));
}

} // namespace

BOOST_AUTO_TEST_SUITE(regression)

/// The signal of a stop was still to be sent when the news of the worker's end came, and its pid
/// might have been another's.
BOOST_AUTO_TEST_CASE(no_signal_to_one_that_has_gone) {
    for (step first :
         {step{stop, SIGUSR2, false}, step{restart, 0, false}, step{forward, SIGUSR1, false}})
        check(
            {.policies = {{.number = 2}}, .steps = {{start}, first, {kill, kill_argument(1, 2)}}});
}

/// A lack of memory in the middle of a row of deaths shortened the back-off that they had earned.
BOOST_AUTO_TEST_CASE(scarcity_does_not_shorten_the_back_off) {
    history what{.policies = {{.number = 1, .ack = core::ack_manual{}, .seconds = 20s}},
                 .programs = {{.acks_after = std::nullopt}},
                 .steps = {{start}}};
    what.policies[0].number = 3;
    what.policies[0].max_unacked = 3;
    what.steps.push_back({ack});                       // one that serves
    what.steps.push_back({kill, kill_argument(1, 2)}); // two that never did
    what.steps.push_back({kill, kill_argument(1, 2)});
    what.steps.push_back({scarcity, 1, false});
    what.steps.push_back({kill, kill_argument(0, 1)}); // is replaced at once, if it can be
    what.steps.push_back({scarcity, 0, false});
    what.steps.push_back({pass, 25'000});
    check(what);
}

/// New workers took the places of old ones that waited for their back-off, which then were too
/// many.
BOOST_AUTO_TEST_CASE(old_ones_that_wait_keep_their_places) {
    history what{.policies = {{.number = 2,
                               .ack = core::ack_manual{0s},
                               .max_unacked = 4,
                               .max_upgrade_additional = 1}},
                 .programs = {{}, {.acks_after = std::nullopt}, {.exec_fails = true}},
                 .steps = {{start}, {pass, 10}, {deploy, 1}, {upgrade, 0}}};
    what.steps.push_back({kill, kill_argument(1, 1)}); // an old one, replaced at once
    what.steps.push_back({kill, kill_argument(0, 2)}); // the replacement, before its ack
    what.steps.push_back({pass, 33'000});
    check(what);
}

/// Three old workers and a new one were too many for a group of one, so that no other new one could
/// be started, and no old one may go before a new one has acked: the upgrade never ended.
BOOST_AUTO_TEST_CASE(resize_in_a_limited_upgrade) {
    check({.policies = {{.number = 3, .ack = core::ack_manual{}, .max_upgrade_additional = 1}},
           .programs = {{}, {.acks_after = std::nullopt}, {}},
           .steps = {{start},
                     {pass, 1000},
                     {deploy, 1},
                     {upgrade, 0},
                     {resize, 1},
                     {kill, kill_argument(0, 1)}}});
}

/// Commands that take each other back, all in one turn, sent the first signal twice.
BOOST_AUTO_TEST_CASE(wishes_that_change_in_one_turn) {
    check({.policies = {{.number = 2, .ack = core::ack_timer{0s}, .stop_signal = SIGQUIT}},
           .programs = {{}},
           .steps = {{start}, {restart, 0, false}, {stop, SIGUSR2, false}, {restart}}});
}

/// A group that goes on from what another knew, in the middle of everything.
BOOST_AUTO_TEST_CASE(reload_in_an_upgrade_that_fails) {
    check({.policies = {{.number = 2, .ack = core::ack_manual{}, .retries = 2}},
           .programs = {{}, {.exec_fails = true}},
           .answer_takes = 1s,
           .steps = {{start},
                     {pass, 5000},
                     {deploy, 1},
                     {upgrade, 0},
                     {reload},
                     {wait},
                     {kill, kill_argument(0, 1)},
                     {reload},
                     {pass, 500},
                     {reload},
                     {pass, 33'000}}});
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::simulation
