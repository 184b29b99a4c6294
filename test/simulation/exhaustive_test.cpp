// SPDX-License-Identifier: GPL-3.0-or-later
//
// All histories over a small alphabet up to a certain depth: these may be missed by random ones.
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
const std::vector<step> beginnings{{open},    {demand}, {start},      {stop, SIGTERM},
                                   {restart}, {reload}, {upgrade, 0}, {wait}};
constexpr unsigned good_end = kill_argument(0, 3);
const std::vector<step> ends{{ack},        {kill, crash}, {kill, good_end}, {upgrade, 0},
                             {upgrade, 1}, {resize, 1},   {start},          {wait}};
const std::vector<step> signs_of_life{{ack}, {touch}, {touch, 1}, {upgrade, 0}, {reload}, {wait}};
const std::vector<step> hold_ups{{ack},         {touch},      {late, 3000},    {stall, 3000},
                                 {stall, 3001}, {upgrade, 0}, {stop, SIGUSR2}, {wait}};
const std::vector<step> signals{{upgrade, by_signal},
                                {upgrade, 1 + by_another_signal},
                                {upgrade, 0},
                                {ack, by_signal},
                                {ack},
                                {resize, 1 + by_signal, false},
                                {resize, 2, false},
                                {reload}};
const std::vector<step> stops{{stop, SIGUSR2}, {stop, plain_stop(SIGUSR2)},
                              {stop, SIGKILL}, {command_failed},
                              {start},         {ack},
                              {upgrade, 0},    {wait}};
const std::vector<step> restarts{{restart}, {upgrade, 0}, {upgrade, 1, false}, {stop, SIGUSR2},
                                 {start},   {ack},        {kill, crash},       {kill, good_end},
                                 {reload},  {wait}};

} // namespace

BOOST_AUTO_TEST_SUITE(exhaustive)

BOOST_AUTO_TEST_CASE(life_of_one) { explore_all(quiet_group(1), life, 8); }
BOOST_AUTO_TEST_CASE(life_of_two) { explore_all(quiet_group(2), life, 8); }
BOOST_AUTO_TEST_CASE(upgrades_of_one) { explore_all(quiet_group(1), upgrades, 7); }
BOOST_AUTO_TEST_CASE(upgrades_of_two) { explore_all(quiet_group(2), upgrades, 7); }
BOOST_AUTO_TEST_CASE(upgrades_with_restarts) {
    history patient = quiet_group(2);
    patient.programs[0].stop_takes = 500ms;
    explore_all(patient, restarts, 5);
    patient.policies[0].ack = core::ack_none{};
    explore_all(patient, restarts, 5);
}

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

// What only a file can ask for.

BOOST_AUTO_TEST_CASE(starts_by_the_first_client_and_after_a_warm_up) {
    history lazy = quiet_group(1);
    lazy.policies[0].on_demand = true;
    lazy.steps.clear();
    explore_all(lazy, beginnings, 6);
    lazy.policies[0].warmup = 500ms;
    explore_all(lazy, beginnings, 6);
}

BOOST_AUTO_TEST_CASE(workers_that_are_not_always_started_again) {
    for (auto restart : {core::restart_policy::never, core::restart_policy::on_failure}) {
        history jobs = quiet_group(2);
        jobs.policies[0].restart = restart;
        explore_all(jobs, ends, 6);
    }
}

BOOST_AUTO_TEST_CASE(upgrades_that_stop_before_they_start) {
    history jobs = quiet_group(2);
    jobs.policies[0].ack = core::ack_none{};
    explore_all(jobs, upgrades, 6);
}

BOOST_AUTO_TEST_CASE(live_checks) {
    history watched = quiet_group(2);
    watched.policies[0].live_check = 1s;
    explore_all(watched, signs_of_life, 7);
}

BOOST_AUTO_TEST_CASE(a_master_that_is_held_up) {
    history watched = quiet_group(2);
    watched.policies[0].live_check = 4s;
    watched.programs[0] = {.acks_after = 4s, .touches_every = 3s, .stop_takes = 900ms};
    explore_all(watched, hold_ups, 6);
}

BOOST_AUTO_TEST_CASE(signals_that_events_say) { explore_all(quiet_group(2), signals, 6); }

BOOST_AUTO_TEST_CASE(stop_commands) {
    for (auto kind : {command_kind::works, command_kind::hangs, command_kind::fails}) {
        history commanded = quiet_group(2);
        commanded.policies[0].stop_command = true;
        commanded.stop_command = kind;
        explore_all(commanded, stops, 6);
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::simulation
