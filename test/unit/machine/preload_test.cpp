// SPDX-License-Identifier: GPL-3.0-or-later
//
// The life of a template process: what happens, and what is to be done.
#include "machine/preload.hpp"
#include "unit/core/life.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>

namespace einhyrningsins::machine {
namespace {

using namespace std::chrono_literals;
using core::exit_cause;
using core::lines;
using phase = preload::phase;

const exit_cause killed{exit_cause::kind_type::signaled, 9};
const exit_cause crashed{exit_cause::kind_type::signaled, 11};

birth_order order(unsigned number) { return {core::worker_id(number), number, 1}; }
std::string name(const birth_order& order) { return std::to_string(order.index); }

std::string text(const preload_action::send& what) { return "send " + name(what.order); }
std::string text(const preload_action::born& what) {
    return "born " + name(what.order) + " as " + std::to_string(what.pid) +
           (what.death ? ", " + to_string(*what.death) : "");
}
std::string text(const preload_action::failed& what) {
    return "failed " + name(what.order) + ": " + what.why + (what.scarce ? " (scarce)" : "");
}
std::string text(const preload_action::decline& what) { return "decline " + name(what.order); }
std::string text(const preload_action::kill&) { return "kill"; }
std::string text(const preload_action::hang_up&) { return "hang up"; }
std::string text(const preload_action::set_limit& what) {
    return what.time ? "limit " + core::to_string(*what.time) : "no limit";
}
std::string text(const preload_action::note& what) { return "note: " + what.text; }

/// One with process 50. What is to be done is kept until deeds() is called.
struct life {
    preload machine{50, "a.so", {}};
    preload::actions pending = machine.begin();
    unsigned limit = 0; ///< the number of the last one

    void ask(const birth_order& order) { take(machine.ask(order)); }
    void unsent(const birth_order& order, const std::string& why, bool scarce) {
        take(machine.unsent(order, why, scarce));
    }
    void withdraw(const std::function<bool(const birth_order&)>& unwanted) {
        take(machine.withdraw(unwanted));
    }
    void loaded(core::duration took) { take(machine.loaded(took)); }
    void refused(const std::string& why) { take(machine.refused(why)); }
    void forked(core::process_id pid, standing what) { take(machine.forked(pid, what)); }
    void fork_failed(const std::string& why, bool scarce) {
        take(machine.fork_failed(why, scarce));
    }
    void garbled() { take(machine.garbled()); }
    void closed() { take(machine.closed()); }
    void ended(const exit_cause& how) {
        take(machine.ended("the template process 50 died: " + to_string(how)));
    }
    void vanished() { take(machine.vanished()); }
    void overdue() { take(machine.overdue(limit)); }
    void hand_over() {
        machine = preload(50, "a.so", machine.state());
        take(machine.begin());
    }

    void take(const preload::actions& actions) {
        pending.insert(pending.end(), actions.begin(), actions.end());
    }
    lines deeds() {
        lines all;
        for (const auto& action : std::exchange(pending, {})) {
            if (auto* set = std::get_if<preload_action::set_limit>(&action)) limit = set->number;
            all.push_back(
                std::visit([](const auto& alternative) { return text(alternative); }, action));
        }
        return all;
    }
};

life serving() {
    life one;
    one.loaded(20ms);
    one.deeds();
    return one;
}

const std::string goes_on = "; going on without preloading";

} // namespace

BOOST_AUTO_TEST_SUITE(machine_preload)

BOOST_AUTO_TEST_CASE(orders_wait_until_it_has_loaded) {
    life one;
    BOOST_TEST(one.deeds() == lines{"limit 10 s"});
    one.ask(order(1));
    one.ask(order(2));
    BOOST_TEST(one.deeds() == lines{});
    one.loaded(20ms);
    BOOST_TEST(one.deeds() == (lines{"note: template process 50 has loaded a.so within 20 ms",
                                     "no limit", "limit 10 s", "send 1", "send 2"}));
    one.forked(101, standing::own_fork);
    BOOST_TEST(one.deeds() == (lines{"limit 10 s", "born 1 as 101"}));
    one.forked(102, standing::own_fork);
    BOOST_TEST(one.deeds() == (lines{"no limit", "born 2 as 102"}));
    BOOST_TEST(one.machine.is_idle());
}

BOOST_AUTO_TEST_CASE(a_worker_that_dies_before_its_birth_is_told) {
    life one = serving();
    one.ask(order(1));
    one.machine.child_ended(101, crashed);
    one.deeds();
    one.forked(101, standing::gone);
    BOOST_TEST(one.deeds() == (lines{"no limit", "born 1 as 101, SIGSEGV"}));
    one.machine.child_ended(102, crashed); // nobody waits for a birth
    BOOST_TEST(one.machine.state().strays.empty());
}

BOOST_AUTO_TEST_CASE(a_worker_that_another_program_has_reaped_between_two_masters) {
    life one = serving();
    one.ask(order(1));
    one.hand_over();
    one.ask(order(2));
    one.deeds();
    one.forked(101, standing::gone);
    lines deeds = one.deeds();
    BOOST_REQUIRE(deeds.size() == 2U);
    BOOST_TEST(deeds[1].starts_with("born 1 as 101, "));
    one.forked(102,
               standing::gone); // was asked for by this master, which would have seen its death
    BOOST_TEST(one.deeds() == (lines{"no limit", "kill"}));
}

/// Its death is not known if the master had no memory to hear of it.
BOOST_AUTO_TEST_CASE(a_worker_whose_death_may_have_been_missed_is_believed_in) {
    life one = serving();
    one.ask(order(1));
    one.deeds();
    one.forked(101, standing::unheard);
    auto deeds = one.deeds();
    BOOST_REQUIRE(deeds.size() == 2U);
    BOOST_TEST(deeds[1].starts_with("born 1 as 101, "));
}

BOOST_AUTO_TEST_CASE(a_process_that_it_has_not_forked_is_none_of_its_workers) {
    for (standing what : {standing::foreign, standing::gone}) {
        life one = serving();
        one.ask(order(1));
        one.machine.child_ended(101, crashed); // another one
        one.deeds();
        one.forked(4711, what);
        BOOST_TEST(one.deeds() == (lines{"no limit", "kill"}));
        one.ended(killed);
        BOOST_TEST(one.deeds() ==
                   (lines{"hang up", "no limit",
                          "note: --preload a.so: the template process 50 has named process 4711, "
                          "which it has not forked" +
                              goes_on,
                          "decline 1"}));
    }
}

BOOST_AUTO_TEST_CASE(births_that_were_told_before_its_death_count) {
    life one = serving();
    one.ask(order(1));
    one.ask(order(2));
    one.deeds();
    one.garbled();
    BOOST_TEST(one.deeds() == (lines{"no limit", "kill"}));
    one.ask(order(3)); // waits for what becomes of the others
    one.forked(101, standing::own_fork);
    BOOST_TEST(one.deeds() == (lines{"no limit", "born 1 as 101"}));
    one.ended(killed);
    BOOST_TEST(one.deeds().back() == "decline 3");
    one.ask(order(4));
    BOOST_TEST(one.deeds() == lines{"decline 4"});
}

/// Other processes may have its socket, and outlive it.
BOOST_AUTO_TEST_CASE(nothing_is_heard_but_the_answers_that_are_due) {
    for (auto nonsense : {+[](life& one) { one.garbled(); }, +[](life& one) { one.loaded(1s); },
                          +[](life& one) { one.refused("no"); },
                          +[](life& one) { one.forked(4711, standing::foreign); }}) {
        life one = serving();
        one.ask(order(1));
        one.ask(order(2));
        one.deeds();
        nonsense(one);
        BOOST_TEST(one.deeds() == (lines{"no limit", "kill"}));
        BOOST_TEST(one.machine.awaits_answer());
        one.forked(101, standing::own_fork);
        BOOST_TEST(one.deeds() == (lines{"no limit", "born 1 as 101"}));
        nonsense(one);
        nonsense(one);
        BOOST_TEST(one.deeds() == lines{"hang up"});
    }
    life answered = serving();
    answered.ask(order(1));
    answered.deeds();
    answered.garbled();
    answered.deeds();
    answered.forked(101, standing::own_fork);
    BOOST_TEST(answered.deeds() == (lines{"hang up", "no limit", "born 1 as 101"}));
    BOOST_TEST(!answered.machine.awaits_answer());
}

/// Those that have failed on the way count as answered, so that what is heard has an end.
BOOST_AUTO_TEST_CASE(failures_of_one_that_cannot_fork_are_answers) {
    life one = serving();
    one.ask(order(1));
    one.ask(order(2));
    one.deeds();
    one.fork_failed("no", false);
    one.deeds();
    one.forked(102, standing::own_fork);
    BOOST_TEST(one.deeds() == (lines{"hang up", "no limit", "born 2 as 102"}));
    one.ended(killed);
    BOOST_TEST(one.deeds().back() == "decline 1");
}

BOOST_AUTO_TEST_CASE(an_object_that_is_refused) {
    life one;
    one.ask(order(1));
    one.deeds();
    one.refused("a.so: undefined symbol: x");
    BOOST_TEST(one.deeds() == (lines{"no limit", "kill", "hang up"}));
    one.ended({exit_cause::kind_type::exited, 1});
    BOOST_TEST(one.deeds() ==
               (lines{"hang up", "no limit", "note: --preload a.so: undefined symbol: x" + goes_on,
                      "decline 1"}));
}

BOOST_AUTO_TEST_CASE(one_that_dies_says_how) {
    life one;
    one.deeds();
    one.closed();
    one.ended(crashed);
    BOOST_TEST(one.deeds().back() ==
               "note: --preload a.so: the template process 50 died: SIGSEGV" + goes_on);
    one.ended(crashed);
    one.vanished();
    BOOST_TEST(one.deeds() == lines{});
}

BOOST_AUTO_TEST_CASE(loading_may_take_its_time_and_a_fork_may_not) {
    life one;
    one.ask(order(1));
    one.deeds();
    one.overdue();
    BOOST_TEST(one.deeds() ==
               lines{"note: --preload a.so: still loading after 10 s; its workers wait "
                     "for it"});
    one.loaded(11s);
    one.deeds();
    one.overdue();
    BOOST_TEST(one.deeds() == (lines{"no limit", "kill"}));
    BOOST_TEST(one.machine.state().doom == "the template process has not answered for 10 s");
}

BOOST_AUTO_TEST_CASE(a_fork_that_fails_for_scarcity_fails_alone) {
    life one = serving();
    one.ask(order(1));
    one.ask(order(2));
    one.deeds();
    one.fork_failed("fork: no", true);
    BOOST_TEST(one.deeds() == (lines{"limit 10 s", "failed 1: fork: no (scarce)"}));
    one.fork_failed("pipe: no", false);
    BOOST_TEST(one.deeds() == (lines{"no limit", "no limit", "kill", "hang up"}));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_sent_fails) {
    life one = serving();
    one.ask(order(1));
    one.deeds();
    one.unsent(order(1), "no descriptors", true);
    BOOST_TEST(one.deeds() == (lines{"failed 1: no descriptors (scarce)", "no limit"}));
    one.unsent(order(1), "no descriptors", true); // only once
    BOOST_TEST(one.deeds() == lines{});
}

BOOST_AUTO_TEST_CASE(what_waits_can_be_withdrawn) {
    life one;
    one.ask(order(1));
    one.ask(order(2));
    one.deeds();
    one.withdraw([](const birth_order& each) { return each.index == 1; });
    BOOST_TEST(one.deeds() == lines{"failed 1: not wanted any more"});
    one.loaded(1ms);
    one.deeds();
    one.withdraw([](const birth_order&) { return true; }); // what was sent is answered
    BOOST_TEST(one.deeds() == lines{});
}

BOOST_AUTO_TEST_CASE(answers_to_nothing_make_no_sense) {
    for (auto nonsense :
         {+[](life& one) { one.forked(101, standing::own_fork); },
          +[](life& one) { one.fork_failed("no", true); }, +[](life& one) { one.garbled(); }}) {
        life loading, ready = serving();
        loading.deeds();
        nonsense(loading);
        nonsense(ready);
        BOOST_TEST(loading.deeds() == (lines{"no limit", "kill", "hang up"}));
        BOOST_TEST(ready.deeds() == (lines{"no limit", "kill", "hang up"}));
    }
    life twice = serving();
    twice.loaded(1s);
    BOOST_TEST(twice.deeds() == (lines{"no limit", "kill", "hang up"}));
    life self = serving();
    self.ask(order(1));
    self.deeds();
    self.forked(50, standing::own_fork);
    BOOST_TEST(self.deeds() == (lines{"no limit", "kill"}));
}

BOOST_AUTO_TEST_CASE(it_goes_on_in_another_master) {
    life one = serving();
    one.ask(order(1));
    one.deeds();
    one.hand_over();
    BOOST_TEST(one.deeds() == lines{"limit 10 s"});
    one.forked(101, standing::own_fork);
    BOOST_TEST(one.deeds() == (lines{"no limit", "born 1 as 101"}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::machine
