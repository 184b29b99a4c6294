// SPDX-License-Identifier: GPL-3.0-or-later
//
// Time in which the master was stalled does not count against workers (SPEC 7.7).
#include "unit/core/life.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>

namespace einhyrningsins::core {
namespace {

using namespace std::chrono_literals;

policy manual() { return {.number = 1, .ack = ack_manual{30s}}; }

/// One worker, 101, that was started five seconds ago; the clock goes on while the group is not
/// asked for a decision.
struct stalled_group {
    core::group group;
    time_point now{};

    explicit stalled_group(const policy& wishes) : group(wishes, 1) {
        group.apply(event::start{}, now);
        group.reconcile(now);
        group.apply(event::spawned{worker_id{1}, 101}, now);
        group.reconcile(now);
        now += 5s;
    }

    void stall(duration length) {
        now += length;
        group.apply(event::stalled{length}, now);
    }
    /// Whether that decision tells something that contains `text`.
    bool decides(const std::string& text) {
        for (const action_type& action : group.reconcile(now))
            if (to_string(action).find(text) != std::string::npos) return true;
        return false;
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(core_group_stall)

BOOST_AUTO_TEST_CASE(the_deadline_of_an_ack_moves) {
    stalled_group stage(manual());
    stage.stall(60s);
    BOOST_TEST(!stage.decides("SIGTERM to #1"));
    BOOST_TEST((stage.group.next_deadline() == stage.now + 25s));
    stage.now += 25s;
    BOOST_TEST(stage.decides("SIGTERM to #1"));
}

BOOST_AUTO_TEST_CASE(an_ack_by_timer_comes_later) {
    stalled_group stage({.ack = ack_timer{10s}});
    stage.stall(60s);
    BOOST_TEST(!stage.decides("is ready"));
    stage.now += 5s;
    BOOST_TEST(stage.decides("is ready"));
}

BOOST_AUTO_TEST_CASE(the_deadline_of_a_sign_of_life_moves_once) {
    policy wishes = manual();
    wishes.live_check = 10s;
    stalled_group stage(wishes);
    stage.group.apply(event::acked{worker_id{1}}, stage.now);
    stage.group.reconcile(stage.now);
    stage.now += 4s;
    stage.stall(60s);
    BOOST_TEST(!stage.decides("SIGKILL to #1"));
    BOOST_TEST((stage.group.next_deadline() == stage.now + 6s));
    stage.group.apply(event::touched{worker_id{1}}, stage.now);
    BOOST_TEST((stage.group.next_deadline() == stage.now + 10s));
}

BOOST_AUTO_TEST_CASE(the_deadline_of_a_stop_moves) {
    policy wishes = manual();
    wishes.signal_timeout = 10s;
    stalled_group stage(wishes);
    stage.group.apply(event::stop{SIGUSR2}, stage.now);
    stage.group.reconcile(stage.now);
    stage.now += 4s;
    stage.stall(60s);
    BOOST_TEST(!stage.decides("SIGTERM to #1"));
    stage.now += 6s;
    BOOST_TEST(stage.decides("SIGTERM to #1"));
    BOOST_TEST((stage.group.next_deadline() == stage.now + 10s)); // and not any longer
}

BOOST_AUTO_TEST_CASE(nobody_is_excused_for_longer_than_he_was_waited_for) {
    stalled_group stage(manual());
    stage.group.apply(event::stalled{60s}, stage.now); // most of it before the start of 101
    BOOST_TEST((stage.group.next_deadline() == stage.now + 30s));
}

BOOST_AUTO_TEST_CASE(stalls_add_up) {
    stalled_group stage(manual());
    stage.stall(10s);
    stage.stall(10s);
    BOOST_TEST((stage.group.next_deadline() == stage.now + 25s));
}

/// Unlike a stall, which is told afterwards.
BOOST_AUTO_TEST_CASE(the_deadline_of_an_ack_moves_by_time_in_which_nobody_will_be_heard) {
    stalled_group stage(manual());
    stage.group.apply(event::unheard{60s}, stage.now);
    BOOST_TEST((stage.group.next_deadline() == stage.now + 25s + 60s));
    stage.group.apply(event::acked{worker_id{1}}, stage.now);
    BOOST_TEST(stage.decides("is ready"));
}

BOOST_AUTO_TEST_CASE(who_acks_without_a_connection_is_heard_all_the_time) {
    for (const ack_policy& ack : {ack_policy(ack_notify{30s}), ack_policy(ack_timer{30s})}) {
        stalled_group stage({.number = 1, .ack = ack});
        stage.group.apply(event::unheard{60s}, stage.now);
        BOOST_TEST((stage.group.next_deadline() == stage.now + 25s));
    }
}

BOOST_AUTO_TEST_CASE(who_is_to_go_has_nothing_to_say) {
    policy wishes = manual();
    wishes.signal_timeout = 10s;
    stalled_group stage(wishes);
    stage.group.apply(event::stop{SIGUSR2}, stage.now);
    stage.group.reconcile(stage.now);
    stage.group.apply(event::unheard{60s}, stage.now);
    BOOST_TEST((stage.group.next_deadline() == stage.now + 10s));
}

BOOST_AUTO_TEST_CASE(a_back_off_does_not_move) {
    stalled_group stage(manual());
    stage.group.apply(event::exited{worker_id{1}, {}}, stage.now);
    stage.group.reconcile(stage.now);
    stage.stall(2s);
    BOOST_TEST(stage.decides("spawn #2"));
}

BOOST_AUTO_TEST_CASE(what_is_excused_outlives_a_reload) {
    stalled_group stage(manual());
    stage.stall(60s);
    stage.group.reconcile(stage.now);
    group next(stage.group.state(), 1);
    BOOST_TEST((next.next_deadline() == stage.now + 25s));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::core
