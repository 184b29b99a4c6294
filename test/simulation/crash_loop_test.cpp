// SPDX-License-Identifier: GPL-3.0-or-later
//
// Random histories of groups whose program acks and dies immediately: they start while the group is
// being slowed down.
#include "simulation/replay.hpp"
#include "simulation/world.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>

namespace einhyrningsins::simulation {
namespace {

using namespace std::chrono_literals;
using enum step_kind;

#ifdef __SANITIZE_ADDRESS__
constexpr std::uint64_t histories = 100;
#else
constexpr std::uint64_t histories = 1000;
#endif

/// As many steps as it takes until the brake is on: each ends after so many deaths and acks.
constexpr unsigned steps_to_the_brake = 6;

/// A random history whose first generation ends by `cause` one millisecond after its ack.
history make_crash_loop(std::uint64_t seed, core::exit_cause cause) {
    history what = make_history(seed);
    core::policy& wishes = what.policies[0];
    wishes.number = 1 + static_cast<unsigned>(seed % 3);
    wishes.ack = core::ack_manual{5s};
    wishes.restart = core::restart_policy::always;
    wishes.live_check = 0s;
    what.policies[1].ack = wishes.ack;
    what.answer_takes = std::min<core::duration>(what.answer_takes, 1ms);
    what.programs[0] = {.dies_after = 1ms, .ends_by = cause};
    what.steps.insert(what.steps.begin(), steps_to_the_brake, {pass, 900});
    what.steps.insert(what.steps.begin(), {start});
    return what;
}

bool reaches_the_brake(const history& what) {
    world stage(what);
    for (unsigned i = 0; i <= steps_to_the_brake; ++i)
        stage.perform(what.steps[i]);
    return stage.group().current().rapid_deaths > 100 + 2 * stage.group().wishes().number;
}

} // namespace

BOOST_AUTO_TEST_SUITE(crash_loop)

BOOST_AUTO_TEST_CASE(random_histories) {
    using enum core::exit_cause::kind_type;
    constexpr core::exit_cause causes[] = {
        {exited, 1}, {signaled, SIGKILL}, {signaled, SIGTERM}, {signaled, SIGSEGV, true}};
    for (std::uint64_t seed = 1; seed <= histories; ++seed) {
        history what = make_crash_loop(seed, causes[seed % std::size(causes)]);
        BOOST_TEST_REQUIRE(reaches_the_brake(what), to_string(what));
        if (auto broken = replay(what))
            BOOST_FAIL("crash loop " << seed << ": " << explain(what, *broken));
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::simulation
