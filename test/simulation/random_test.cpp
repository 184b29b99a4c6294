// SPDX-License-Identifier: GPL-3.0-or-later
//
// Random histories. EINHYRNINGSINS_SEED=n replays a single one, EINHYRNINGSINS_HISTORIES=n sets
// their number.
#include "simulation/replay.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>

namespace einhyrningsins::simulation {
namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr std::uint64_t default_histories = 10'000;
#else
constexpr std::uint64_t default_histories = 100'000;
#endif

/// Enough to see whether they have one cause.
constexpr unsigned most_failures = 3;

std::uint64_t from_environment(const char* variable, std::uint64_t otherwise) {
    const char* value = std::getenv(variable);
    return value ? std::strtoull(value, nullptr, 10) : otherwise;
}

} // namespace

BOOST_AUTO_TEST_SUITE(simulation)

BOOST_AUTO_TEST_CASE(random_histories) {
    bool one = std::getenv("EINHYRNINGSINS_SEED") != nullptr;
    std::uint64_t first = from_environment("EINHYRNINGSINS_SEED", 1);
    std::uint64_t count = one ? 1 : from_environment("EINHYRNINGSINS_HISTORIES", default_histories);
    unsigned failures = 0;
    for (std::uint64_t seed = first; seed < first + count && failures < most_failures; ++seed) {
        history what = make_history(seed);
        auto broken = replay(what);
        if (!broken) continue;
        ++failures;
        BOOST_ERROR("EINHYRNINGSINS_SEED=" << seed << ": " << explain(what, *broken));
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::simulation
