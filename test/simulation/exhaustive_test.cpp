// SPDX-License-Identifier: GPL-3.0-or-later
//
// Every history of a small alphabet, up to a depth.
#include "simulation/world.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>

namespace einhyrningsins::simulation {
namespace {

using namespace core;
using namespace std::chrono_literals;

struct letter {
    const char* name;
    bool (*write)(world&); ///< false: it has no meaning here
};

bool say(world& in, const event_type& what) {
    in.happen(what);
    return true;
}

constexpr letter alphabet[] = {
    {"ack", [](world& w) { return w.acknowledge_oldest(); }},
    {"death of a starting one", [](world& w) { return w.strike(worker_state::starting, SIGSEGV); }},
    {"death of a ready one", [](world& w) { return w.strike(worker_state::ready, SIGKILL); }},
    {"death of a stopping one", [](world& w) { return w.strike(worker_state::stopping, SIGKILL); }},
    {"next deadline", [](world& w) { return w.pass_to_next(100s); }},
    {"rolling upgrade", [](world& w) { return say(w, event::upgrade{upgrade_mode::rolling}); }},
    {"fleet upgrade", [](world& w) { return say(w, event::upgrade{upgrade_mode::fleet}); }},
    {"resize",
     [](world& w) { return say(w, event::resize{w.group().wishes().number == 1 ? 2U : 1U}); }},
    {"stop", [](world& w) { return say(w, event::stop{SIGUSR2}); }},
};

/// Processes that do nothing by themselves: all that happens is a letter.
constexpr temperament inert{
    .acks_after = std::nullopt, .dies_after = std::nullopt, .obeys_after = std::nullopt};

unsigned long explore(const world& from, unsigned depth) {
    if (depth == 0) return 1;
    unsigned long histories = 0;
    for (const letter& one : alphabet) {
        world next = from;
        try {
            if (!one.write(next)) continue;
        } catch (const broken_invariant& broken) {
            BOOST_FAIL(one.name << ": " << broken.what() << "\n" << next.history());
        }
        histories += explore(next, depth - 1);
    }
    return histories;
}

void explore_all(unsigned number, unsigned max_unacked, std::optional<unsigned> additional) {
#ifdef NDEBUG
    constexpr unsigned depth = 6;
#else
    constexpr unsigned depth = 4;
#endif
    policy wishes;
    wishes.number = number;
    wishes.ack = ack_manual{30s};
    wishes.retries = 1;
    wishes.max_unacked = max_unacked;
    wishes.max_upgrade_additional = additional;
    world beginning(wishes, 1);
    beginning.set_temperament(inert);
    beginning.happen(event::start{});
    beginning.pass(0s);
    BOOST_TEST(explore(beginning, depth) > 1000);
}

} // namespace

BOOST_AUTO_TEST_CASE(all_histories_of_one_worker) { explore_all(1, 1, std::nullopt); }
BOOST_AUTO_TEST_CASE(all_histories_of_two_workers) { explore_all(2, 2, std::nullopt); }
BOOST_AUTO_TEST_CASE(all_histories_with_limits) { explore_all(2, 1, 1); }

} // namespace einhyrningsins::simulation
