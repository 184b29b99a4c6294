// SPDX-License-Identifier: GPL-3.0-or-later
//
// Random histories. EINHYRNINGSINS_HISTORIES sets their number, EINHYRNINGSINS_SEED replays one.
#include "simulation/world.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <cstdlib>

namespace einhyrningsins::simulation {
namespace {

using namespace core;
using namespace std::chrono_literals;

/// A policy and what happens under it, out of one seed.
class story {
  public:
    explicit story(unsigned seed) : random_(seed), world_(some_policy(), seed) {}

    void tell() {
        world_.happen(event::start{});
        for (unsigned chapters = number(5, 40); chapters > 0; --chapters)
            chapter();
        end_well();
    }

    std::string history() const { return world_.history(); }

  private:
    unsigned number(unsigned least, unsigned most) {
        return std::uniform_int_distribution<unsigned>(least, most)(random_);
    }
    bool chance(unsigned percent) { return number(1, 100) <= percent; }
    duration some_time() {
        constexpr duration choices[] = {0ms, 1ms, 20ms, 300ms, 1s, 4s, 40s};
        return choices[number(0, 6)];
    }

    policy some_policy() {
        policy wishes;
        wishes.number = number(1, 5);
        switch (number(0, 3)) {
        case 0: wishes.ack = ack_timer{some_time()}; break;
        case 1: wishes.ack = ack_notify{some_time()}; break;
        default: wishes.ack = ack_manual{some_time()};
        }
        if (chance(50)) wishes.retries = number(0, 6);
        wishes.seconds = some_time();
        wishes.stop_signal = chance(50) ? SIGTERM : SIGUSR2;
        wishes.signal_timeout = 1ms + some_time();
        wishes.max_unacked = number(1, 4);
        if (chance(40)) wishes.max_upgrade_additional = number(1, 3);
        return wishes;
    }

    temperament some_temperament() {
        temperament how;
        if (chance(80))
            how.acks_after = some_time();
        else
            how.acks_after.reset();
        if (chance(30)) how.dies_after = some_time();
        if (chance(80))
            how.obeys_after = some_time();
        else
            how.obeys_after.reset();
        how.fails_to_start = chance(10);
        how.is_too_much = chance(7);
        return how;
    }

    void chapter() {
        switch (number(0, 15)) {
        case 0: return world_.happen(event::upgrade{upgrade_mode::rolling});
        case 1: return world_.happen(event::upgrade{upgrade_mode::fleet});
        case 2: return world_.happen(event::resize{number(1, 6)});
        case 3: return world_.set_temperament(some_temperament());
        case 4: return world_.set_temperament({});
        case 5: world_.strike(worker_state::ready, SIGKILL); return;
        case 6: world_.strike(worker_state::starting, SIGSEGV); return;
        case 7: world_.strike(worker_state::stopping, SIGKILL); return;
        case 8: return world_.set_answer_delay(chance(50) ? 0ms : some_time() / 10);
        case 9: return world_.spread_rumours(static_cast<process_id>(number(1, 120)));
        case 10: return rarely();
        default: return world_.pass(some_time() + 1ms * number(0, 900));
        }
    }

    void rarely() {
        switch (number(0, 5)) {
        case 0: return world_.happen(event::stop{chance(50) ? SIGTERM : SIGUSR2});
        case 1: return world_.happen(event::restart{});
        case 2: return world_.happen(event::start{});
        case 3: return world_.happen(event::forward{SIGUSR1});
        case 4: return world_.happen(event::reconfigure{some_policy()});
        default: return world_.happen(event::stop{SIGKILL});
        }
    }

    /// Whatever has happened: once the processes behave, an upgrade ends and all workers are there,
    /// and a stop ends.
    void end_well() {
        world_.set_temperament({.acks_after = 1ms, .dies_after = {}, .obeys_after = 1ms});
        world_.set_answer_delay(0ms);
        world_.pass(60s);
        world_.acknowledge_all(); // those of a bad time, who may have had for ever
        world_.pass(1000s);
        const core::group& group = world_.group();
        if (group.upgrade()) throw broken_invariant("every_upgrade_ends", "it still goes on");
        if (group.phase() == group_phase::running) require_full(group);
        world_.happen(event::stop{SIGTERM});
        world_.pass(200s);
        if (group.phase() != group_phase::stopped || !group.workers().empty())
            throw broken_invariant("stop_terminates",
                                   std::to_string(group.workers().size()) + " are left");
        if (world_.pass_to_next(1000s))
            throw broken_invariant("stop_terminates", "something is due");
    }

    void require_full(const core::group& group) const {
        if (group.capacity() != group.wishes().number)
            throw broken_invariant("all_workers_are_there",
                                   std::to_string(group.capacity()) + " of " +
                                       std::to_string(group.wishes().number));
    }

    std::minstd_rand random_;
    world world_;
};

unsigned from_environment(const char* name, unsigned otherwise) {
    const char* text = std::getenv(name);
    return text ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : otherwise;
}

#ifdef NDEBUG
constexpr unsigned default_histories = 100'000;
#else
constexpr unsigned default_histories = 10'000; // under sanitizers
#endif

} // namespace

BOOST_AUTO_TEST_CASE(random_histories) {
    unsigned seed = from_environment("EINHYRNINGSINS_SEED", 0);
    unsigned count = seed ? 1 : from_environment("EINHYRNINGSINS_HISTORIES", default_histories);
    unsigned first = seed ? seed : 1;
    for (unsigned i = 0; i < count; ++i) {
        story one(first + i);
        try {
            one.tell();
        } catch (const broken_invariant& broken) {
            BOOST_TEST_MESSAGE(one.history());
            BOOST_FAIL("EINHYRNINGSINS_SEED=" << first + i << ": " << broken.what() << "\n"
                                              << one.history());
        }
    }
    BOOST_TEST(count > 0);
}

} // namespace einhyrningsins::simulation
