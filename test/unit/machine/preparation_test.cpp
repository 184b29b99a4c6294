// SPDX-License-Identifier: GPL-3.0-or-later
//
// What comes before upgrades: what happens, and what is to be done.
#include "machine/preparation.hpp"
#include "unit/core/life.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <csignal>

namespace einhyrningsins::machine {
namespace {

using namespace std::chrono_literals;
using core::lines;
using core::upgrade_mode;
using core::event::upgrade;
using phase = preparation::phase;

std::string text(const preparation_action::start& a) { return "start " + std::to_string(a.run); }
std::string text(const preparation_action::stop& a) { return "stop: " + a.why; }
std::string text(const preparation_action::look_up& a) {
    return "look up " + std::to_string(a.number);
}
std::string text(const preparation_action::withdraw&) { return "withdraw"; }
std::string text(const preparation_action::upgrade& a) { return core::to_string(a.wanted); }
std::string text(const preparation_action::tell& a) { return "tell: " + core::to_string(a.news); }
std::string text(const preparation_action::note& a) { return "note: " + a.text; }

lines texts(const preparation::actions& actions) {
    lines all;
    for (const auto& action : actions)
        all.push_back(
            std::visit([](const auto& alternative) { return text(alternative); }, action));
    return all;
}

struct life {
    core::time_point now{};
    preparation machine;

    explicit life(preparation::settings_type settings) : machine(std::move(settings), {}, now) {}

    lines request(upgrade_mode mode = upgrade_mode::rolling, std::optional<int> signal = {}) {
        return texts(machine.request({mode, signal}));
    }
    lines cancel() { return texts(machine.cancel("no")); }
    lines change(preparation::settings_type settings) {
        return texts(machine.change(std::move(settings), now));
    }
    lines tick(bool can_upgrade = true) { return texts(machine.tick(now, can_upgrade)); }
    lines started(unsigned run) { return texts(machine.started(run, 4711)); }
    lines ended(unsigned run, const std::string& failure = {}) {
        return texts(machine.ended(run, failure, now));
    }
    lines found(unsigned number, const std::string& failure = {}) {
        return texts(machine.found(number, failure));
    }
};

const preparation::settings_type checked{.upgrader = "check"};
const preparation::settings_type looked_up{.user = "user www"};
const preparation::settings_type both{.upgrader = "check", .user = "user www"};

preparation::settings_type each(core::duration interval) {
    return {.upgrader = "check", .interval = interval};
}

/// One whose run 1 is under way for a request.
life running(preparation::settings_type settings = checked) {
    life one(std::move(settings));
    one.request();
    one.tick();
    one.started(1);
    return one;
}

/// One whose look-up 1 is under way for a request.
life looking_up(preparation::settings_type settings = looked_up) {
    life one(std::move(settings));
    one.request();
    if (one.tick() == lines{"start 1"}) {
        one.ended(1);
        one.tick();
    }
    return one;
}

} // namespace

BOOST_AUTO_TEST_SUITE(machine_preparation)

BOOST_AUTO_TEST_CASE(it_runs_before_an_upgrade_that_is_requested) {
    life one(checked);
    BOOST_TEST(one.tick() == lines{});
    BOOST_TEST(!one.machine.next_deadline());
    BOOST_TEST(one.request(upgrade_mode::fleet) == lines{}); // nothing is told before it returns
    BOOST_TEST((one.machine.next_deadline() == core::time_point::min()));
    BOOST_TEST(one.tick() == lines{"start 1"});
    BOOST_TEST(one.started(1) == lines{"tell: running the upgrader check, process 4711"});
    BOOST_TEST(!one.machine.next_deadline());
    BOOST_TEST(one.machine.awaited() == "its upgrader");
    BOOST_TEST(one.ended(1) == lines{"tell: the upgrader is done"});
    BOOST_TEST(one.tick() == lines{"upgrade fleet"});
    BOOST_TEST((one.machine.state().now == phase::resting));
}

BOOST_AUTO_TEST_CASE(its_failure_is_told_to_those_who_wait) {
    life one = running();
    BOOST_TEST(one.ended(1, "upgrader ended with exit code 3") ==
               lines{"tell: Upgrade cancelled: upgrader ended with exit code 3"});
    BOOST_TEST(one.tick() == lines{});
}

BOOST_AUTO_TEST_CASE(requests_join_a_run) {
    life one = running();
    BOOST_TEST(one.request(upgrade_mode::fleet) ==
               lines{"note: the upgrader is running already; its outcome counts"});
    BOOST_TEST(one.ended(1) == lines{"tell: the upgrader is done"});
    BOOST_TEST(one.tick() == lines{"upgrade fleet"});
    BOOST_TEST(one.tick() == lines{});
}

BOOST_AUTO_TEST_CASE(a_request_can_be_cancelled_before_its_run) {
    life one(checked);
    one.request();
    BOOST_TEST(one.cancel() == lines{"tell: Upgrade cancelled: no"});
    BOOST_TEST(one.tick() == lines{});
}

BOOST_AUTO_TEST_CASE(a_run_that_was_told_to_go_counts_for_nobody) {
    life one = running();
    BOOST_TEST(one.cancel() == (lines{"stop: no", "tell: Upgrade cancelled: no"}));
    BOOST_TEST(one.cancel() == lines{}); // once is enough
    BOOST_TEST(one.ended(1) == lines{});
    BOOST_TEST(one.tick() == lines{});
}

BOOST_AUTO_TEST_CASE(requests_while_it_leaves_wait_for_the_next_run) {
    life one = running();
    one.cancel();
    BOOST_TEST(one.request() == lines{"note: the upgrader will run when the one before has gone"});
    BOOST_TEST(one.tick() == lines{});
    BOOST_TEST(one.ended(1, "upgrader was ended: no") == lines{});
    BOOST_TEST(one.tick() == lines{"start 2"});
    BOOST_TEST(one.ended(1) == lines{}); // news of the run before
    BOOST_TEST(one.ended(2) == lines{"tell: the upgrader is done"});
    BOOST_TEST(one.tick() == lines{"upgrade rolling"});
}

BOOST_AUTO_TEST_CASE(its_interval_is_counted_from_the_end_of_a_run) {
    life one(each(1h));
    BOOST_TEST((one.machine.next_deadline() == one.now + 1h));
    one.now += 100h; // the master was stopped, say
    BOOST_TEST(one.tick() == lines{"start 1"});
    one.now += 2h;
    BOOST_TEST(one.tick() == lines{});
    BOOST_TEST(one.ended(1, "upgrader ended with exit code 1") ==
               lines{"note: upgrader ended with exit code 1; no upgrade"});
    BOOST_TEST((one.machine.next_deadline() == one.now + 1h));
    one.now += 1h;
    BOOST_TEST(one.tick() == lines{"start 2"});
    BOOST_TEST(one.ended(2) == lines{"tell: the upgrader is done"});
    BOOST_TEST(one.tick() == lines{"upgrade rolling"});
}

BOOST_AUTO_TEST_CASE(a_group_that_cannot_be_upgraded_puts_it_off) {
    life one(each(1h));
    one.now += 1h;
    BOOST_TEST(one.tick(false) == lines{});
    BOOST_TEST((one.machine.next_deadline() == one.now + 1h));
}

BOOST_AUTO_TEST_CASE(a_longer_interval_does_not_put_off_what_is_planned) {
    life one(each(1h));
    BOOST_TEST(one.change(each(10s)) == lines{});
    BOOST_TEST((one.machine.next_deadline() == one.now + 10s));
    one.change(each(5h));
    BOOST_TEST((one.machine.next_deadline() == one.now + 10s));
    one.change(checked);
    BOOST_TEST(!one.machine.next_deadline());
}

BOOST_AUTO_TEST_CASE(it_goes_on_in_another_master) {
    life one = running(each(1h));
    one.machine = preparation(each(1h), one.machine.state(), one.now);
    BOOST_TEST(one.ended(0) == lines{"tell: the upgrader is done"});
    BOOST_TEST(one.tick() == lines{"upgrade rolling"});
}

BOOST_AUTO_TEST_CASE(with_nothing_to_prepare_an_upgrade_begins_at_once) {
    life one({});
    BOOST_TEST(one.request(upgrade_mode::fleet, SIGTERM) == lines{"upgrade fleet by SIGTERM"});
    BOOST_TEST((one.machine.state() == preparation::state_type{}));
}

BOOST_AUTO_TEST_CASE(the_user_is_looked_up_before_an_upgrade) {
    life one(looked_up);
    BOOST_TEST(one.request() == lines{});
    BOOST_TEST(one.machine.awaited() == "the look-up of user www");
    BOOST_TEST(one.tick() == lines{"look up 1"});
    BOOST_TEST(one.machine.awaited() == "the look-up of user www");
    BOOST_TEST(one.found(1) == lines{"upgrade rolling"});
    BOOST_TEST(one.machine.awaited() == "");
    one.request();
    one.tick();
    BOOST_TEST(one.found(1, "news of the one before") == lines{});
    BOOST_TEST(one.found(2, "no user is called www") ==
               lines{"tell: Upgrade cancelled: no user is called www"});
}

BOOST_AUTO_TEST_CASE(after_the_upgrader) {
    life one = running(both);
    BOOST_TEST(one.ended(1) == lines{"tell: the upgrader is done"});
    BOOST_TEST(one.tick() == lines{"look up 1"});
    BOOST_TEST(one.found(1) == lines{"upgrade rolling"});
}

BOOST_AUTO_TEST_CASE(requests_join_a_look_up_and_share_its_outcome) {
    life one = looking_up(both);
    BOOST_TEST(
        one.request() ==
        lines{
            "note: this request is served by the upgrade that waits for the look-up of user www"});
    BOOST_TEST(one.tick() == lines{}); // no other run
    BOOST_TEST(one.found(1) == lines{"upgrade rolling"});
    BOOST_TEST(one.tick() == lines{});
}

BOOST_AUTO_TEST_CASE(who_joins_takes_nothing_away) {
    life one(looked_up);
    one.request(upgrade_mode::fleet, SIGTERM);
    one.tick();
    one.request();
    BOOST_TEST(one.found(1) == lines{"upgrade fleet by SIGTERM"});
    one.request();
    one.request(upgrade_mode::rolling, SIGTERM);
    one.request(upgrade_mode::rolling, SIGHUP);
    one.tick();
    BOOST_TEST(one.found(2) == lines{"upgrade rolling by SIGHUP"}); // the last who chose
}

BOOST_AUTO_TEST_CASE(what_is_asked_for_with_a_request_that_is_cancelled_is_no_part_of_a_later_one) {
    life one(looked_up);
    one.request(upgrade_mode::fleet, SIGTERM);
    one.tick();
    BOOST_TEST(one.cancel() == (lines{"withdraw", "tell: Upgrade cancelled: no"}));
    BOOST_TEST(one.found(1) == lines{});
    one.request();
    one.tick();
    BOOST_TEST(one.found(2) == lines{"upgrade rolling"});
}

BOOST_AUTO_TEST_CASE(a_look_up_that_takes_long_is_told_and_then_given_up) {
    life one = looking_up();
    BOOST_TEST((one.machine.next_deadline() == one.now + 1s));
    one.now += 1s;
    BOOST_TEST(one.tick() == lines{"note: an upgrade waits for the look-up of user www"});
    BOOST_TEST(one.tick() == lines{});
    BOOST_TEST((one.machine.next_deadline() == one.now + 29s));
    one.now += 29s;
    BOOST_TEST(
        one.tick() ==
        (lines{"withdraw", "tell: Upgrade cancelled: the look-up of user www has not ended "
                           "within 30 s; see nsswitch.conf(5) for where users are looked up"}));
    BOOST_TEST(one.found(1) == lines{});
    BOOST_TEST(!one.machine.next_deadline());
}

BOOST_AUTO_TEST_CASE(a_master_that_was_held_up_gives_the_look_up_its_time) {
    life one = looking_up();
    one.now += 100s;
    BOOST_TEST(one.tick() == lines{"note: an upgrade waits for the look-up of user www"});
    BOOST_TEST(one.found(1) == lines{"upgrade rolling"});
}

BOOST_AUTO_TEST_CASE(another_user_is_looked_up_instead) {
    life one = looking_up();
    BOOST_TEST(one.change(looked_up) == lines{});
    BOOST_TEST(one.change({.user = "user web"}) == lines{"withdraw"});
    BOOST_TEST(one.tick() == lines{"look up 2"});
    BOOST_TEST(one.found(1) == lines{});
    BOOST_TEST(one.change({}) == lines{"withdraw"});
    BOOST_TEST(one.tick() == lines{"upgrade rolling"});
}

BOOST_AUTO_TEST_CASE(an_upgrader_that_is_removed_is_told_to_go) {
    life one = running(both);
    BOOST_TEST(one.change(looked_up) ==
               (lines{"stop: the group has no upgrader any more; ask again",
                      "tell: Upgrade cancelled: the group has no upgrader any more; ask again"}));
    BOOST_TEST(one.change(looked_up) == lines{});
    one.request();
    BOOST_TEST(one.ended(1) == lines{});
    BOOST_TEST(one.tick() == lines{"look up 1"});
}

BOOST_AUTO_TEST_CASE(of_a_group_that_cannot_be_upgraded_the_core_says_why) {
    life one(both);
    one.request();
    BOOST_TEST(one.tick(false) == lines{"upgrade rolling"});
    one = running(both);
    one.ended(1);
    BOOST_TEST(one.tick(false) == lines{"upgrade rolling"});
}

BOOST_AUTO_TEST_CASE(a_look_up_begins_again_in_another_master) {
    life one = looking_up(both);
    auto state = one.machine.state();
    state.now = phase::accepted;
    one.machine = preparation(both, state, one.now);
    BOOST_TEST((one.machine.next_deadline() == core::time_point::min()));
    BOOST_TEST(one.tick() == lines{"look up 1"});
    BOOST_TEST(one.found(1) == lines{"upgrade rolling"});
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::machine
