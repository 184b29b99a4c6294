// SPDX-License-Identifier: GPL-3.0-or-later
//
// Every history of a small alphabet, up to a depth: what chance may have missed.
#include "simulation/replay.hpp"
#include "simulation/world.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>

namespace einhyrningsins::simulation {
namespace {

using namespace std::chrono_literals;
using enum step_kind;

#ifdef __SANITIZE_ADDRESS__
constexpr unsigned shallower = 2;
#else
constexpr unsigned shallower = 0;
#endif

/// Lives all continuations of what `so_far` has led to, and returns how many there were.
unsigned long explore(const world& stage, history& so_far, const std::vector<step>& alphabet,
                      unsigned depth) {
    unsigned long count = 1;
    if (depth == 0) return count;
    for (const step& letter : alphabet) {
        world next = stage;
        so_far.steps.push_back(letter);
        try {
            next.perform(letter);
        } catch (const violation& broken) {
            BOOST_FAIL(explain(so_far, {broken.name(), broken.what()}));
        }
        count += explore(next, so_far, alphabet, depth - 1);
        so_far.steps.pop_back();
    }
    return count;
}

void explore_all(history begin, const std::vector<step>& alphabet, unsigned depth) {
    world stage(begin);
    for (const step& first : begin.steps)
        stage.perform(first);
    unsigned long count = explore(stage, begin, alphabet, depth - shallower);
    BOOST_TEST(count > 1000);
}

/// Workers that ack when they are told to by a step, and go when they are told to by the group.
history quiet_group(unsigned number) {
    core::policy wishes{.number = number,
                        .ack = core::ack_manual{5s},
                        .retries = 1,
                        .signal_timeout = 1s,
                        .max_unacked = 2,
                        .max_upgrade_additional = 1};
    return {.policies = {wishes}, .programs = {{.acks_after = std::nullopt}}, .steps = {{start}}};
}

constexpr unsigned crash = kill_argument(0, 1);
constexpr unsigned crash_of_an_older = kill_argument(1, 1);

/// A life without upgrades, and one with them.
const std::vector<step> life{{start}, {stop, SIGUSR2}, {restart}, {ack}, {kill, crash}, {wait}};
const std::vector<step> upgrades{
    {upgrade, 0}, {upgrade, 1}, {ack}, {ack, 1}, {kill, crash}, {kill, crash_of_an_older}, {wait}};
const std::vector<step> all{
    {upgrade, 0},       {upgrade, 1, false}, {ack, 0, false},        {kill, crash, false},
    {resize, 1, false}, {resize, 2},         {stop, SIGTERM, false}, {wait}};

} // namespace

BOOST_AUTO_TEST_SUITE(exhaustive)

BOOST_AUTO_TEST_CASE(life_of_one) { explore_all(quiet_group(1), life, 8); }
BOOST_AUTO_TEST_CASE(life_of_two) { explore_all(quiet_group(2), life, 8); }
BOOST_AUTO_TEST_CASE(upgrades_of_one) { explore_all(quiet_group(1), upgrades, 7); }
BOOST_AUTO_TEST_CASE(upgrades_of_two) { explore_all(quiet_group(2), upgrades, 7); }
BOOST_AUTO_TEST_CASE(everything_at_once) { explore_all(quiet_group(2), all, 7); }

BOOST_AUTO_TEST_CASE(answers_that_take_their_time) {
    history late = quiet_group(2);
    late.answer_takes = 100ms;
    explore_all(late, all, 7);
}

BOOST_AUTO_TEST_CASE(upgrades_under_a_stubborn_generation) {
    history stubborn = quiet_group(1);
    stubborn.programs[0].heeds = obedience::stubborn;
    explore_all(stubborn, upgrades, 6);
    stubborn.policies[0].kill_at_timeout = true;
    explore_all(stubborn, upgrades, 6);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::simulation
