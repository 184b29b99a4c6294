// SPDX-License-Identifier: GPL-3.0-or-later
//
// The lives of groups: what happens, and what the group makes of it.
#include "core/group.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <string>
#include <vector>

namespace {

using namespace einhyrningsins::core;
using namespace std::chrono_literals;

/// A group with a clock. Spawns succeed at once: worker 1 has pid 1, and so on.
struct life {
    explicit life(const policy& wishes) : group_(wishes, 1) { happen(event::start{}); }

    void happen(const event_type& what) {
        group_.apply(what, now);
        settle();
    }

    void pass(duration length) {
        now += length;
        settle();
    }

    void settle() {
        std::vector<action_type> actions;
        while (!(actions = group_.reconcile(now)).empty())
            for (const action_type& one : actions)
                perform(one);
    }

    void perform(const action_type& what) {
        if (auto* spawn = std::get_if<action::spawn>(&what)) {
            ++spawns;
            auto id = static_cast<process_id>(spawn->id);
            if (broken)
                group_.apply(event::spawn_failed{spawn->id, "exec: broken", scarce}, now);
            else
                group_.apply(event::spawned{spawn->id, id}, now);
        } else if (auto* signal = std::get_if<action::signal>(&what)) {
            told += std::to_string(signal->pid) + ":" + std::to_string(signal->number) + " ";
        } else if (auto* tell = std::get_if<action::tell>(&what)) {
            last_report = to_string(tell->what);
            if (std::holds_alternative<report_of::upgrade_aborted>(tell->what)) abort = last_report;
            if (std::holds_alternative<report_of::upgrade_began>(tell->what)) ++upgrades;
        }
    }

    void ack(process_id pid) { happen(event::acked{pid}); }
    void die(process_id pid, int code = 1) {
        happen(event::exited{pid, {exit_cause::kind_type::exited, code, false}});
    }
    const worker& at(process_id pid) const {
        const worker* who = group_.find(pid);
        BOOST_TEST_REQUIRE(who != nullptr, "there is no worker " << pid);
        return *who;
    }
    /// What was told since the last call, as "PID:SIGNAL ...".
    std::string take_told() { return std::exchange(told, {}); }

    time_point now{};
    group group_;
    unsigned spawns = 0, upgrades = 0;
    bool broken = false, scarce = false;
    std::string told, last_report, abort;
};

policy manual(unsigned number) {
    return {.number = number, .ack = ack_manual{30s}, .stop_signal = SIGUSR2, .max_unacked = 2};
}

std::string signal_to(process_id pid, int number) {
    return std::to_string(pid) + ":" + std::to_string(number) + " ";
}

} // namespace

BOOST_AUTO_TEST_SUITE(life_of_a_group)

BOOST_AUTO_TEST_CASE(all_workers_start_at_once) {
    life of(manual(40));
    BOOST_TEST(of.spawns == 40U);
    BOOST_TEST(of.at(40).index == 39U);
    BOOST_TEST(of.group_.capacity() == 0U);
}

BOOST_AUTO_TEST_CASE(timer_acks_come_with_time) {
    life of({.number = 1, .ack = ack_timer{1s}});
    of.ack(1); // of no use, and no harm
    BOOST_TEST(of.group_.capacity() == 0U);
    BOOST_TEST((of.group_.next_deadline() == of.now + 1s));
    of.pass(1s);
    BOOST_TEST(of.group_.capacity() == 1U);
    BOOST_TEST(!of.group_.next_deadline());
}

BOOST_AUTO_TEST_CASE(ready_worker_is_replaced_at_once) {
    life of(manual(2));
    of.ack(1);
    of.ack(2);
    of.pass(10s);
    of.die(1);
    BOOST_TEST(of.at(3).index == 0U);
    BOOST_TEST(of.at(3).restarts == 1U);
    BOOST_TEST(of.group_.last_death()->pid == 1);
}

BOOST_AUTO_TEST_CASE(death_before_ack_waits) {
    life of(manual(1));
    of.die(1);
    BOOST_TEST(of.spawns == 1U);
    of.pass(899ms);
    BOOST_TEST(of.spawns == 1U);
    of.pass(202ms);
    BOOST_TEST(of.spawns == 2U);
}

BOOST_AUTO_TEST_CASE(retries_are_counted_after_the_first) {
    policy wishes = manual(1);
    wishes.retries = 2;
    life of(wishes);
    for (process_id pid = 1; pid <= 3; ++pid) {
        of.die(pid);
        of.pass(60s);
    }
    BOOST_TEST((of.group_.phase() == group_phase::given_up));
    BOOST_TEST(of.spawns == 3U);
    of.happen(event::start{});
    BOOST_TEST(of.spawns == 4U);
}

BOOST_AUTO_TEST_CASE(scarcity_is_not_the_programs_fault) {
    policy wishes = manual(1);
    wishes.retries = 0;
    life of(wishes);
    of.ack(1);
    of.broken = of.scarce = true;
    of.die(1);
    for (int attempt = 0; attempt < 10; ++attempt)
        of.pass(60s);
    BOOST_TEST((of.group_.phase() == group_phase::running));
    of.broken = false;
    of.pass(60s);
    BOOST_TEST(of.group_.workers().size() == 1U);
}

BOOST_AUTO_TEST_CASE(missed_ack_ends_firmly) {
    life of(manual(1));
    of.pass(30s);
    BOOST_TEST(of.take_told() == signal_to(1, SIGTERM));
    of.pass(10s);
    BOOST_TEST(of.take_told() == signal_to(1, SIGKILL));
    BOOST_TEST(of.spawns == 2U);
}

BOOST_AUTO_TEST_CASE(rolling_upgrade_goes_ack_by_ack) {
    life of(manual(2));
    of.ack(1);
    of.ack(2);
    of.happen(event::upgrade{upgrade_mode::rolling});
    BOOST_TEST(of.take_told() == "");
    of.ack(3);
    BOOST_TEST(of.take_told() == signal_to(1, SIGUSR2));
    of.ack(4);
    BOOST_TEST(of.take_told() == signal_to(2, SIGUSR2));
    BOOST_TEST(of.last_report == "Upgrade done");
    BOOST_TEST(of.at(4).generation == 2U);
}

BOOST_AUTO_TEST_CASE(fleet_upgrade_waits_for_the_last_ack) {
    life of(manual(2));
    of.ack(1);
    of.ack(2);
    of.happen(event::upgrade{upgrade_mode::fleet});
    of.ack(3);
    BOOST_TEST(of.take_told() == "");
    of.ack(4);
    BOOST_TEST(of.take_told() == signal_to(1, SIGUSR2) + signal_to(2, SIGUSR2));
}

BOOST_AUTO_TEST_CASE(broken_upgrade_is_aborted_with_its_reason) {
    policy wishes = manual(1);
    wishes.retries = 2;
    life of(wishes);
    of.ack(1);
    of.happen(event::upgrade{upgrade_mode::rolling});
    of.pass(5ms);
    of.die(2, 3);
    of.pass(60s);
    of.die(3, 4);
    BOOST_TEST(of.abort ==
               "Upgrade to generation 2 aborted: 2 attempts in a row to start a worker of it "
               "failed (worker 2: exit code 3 after 5 ms; worker 3: exit code 4 after 0 ms); 1 "
               "worker keeps serving");
    BOOST_TEST(of.take_told() == "");
    of.die(1);
    BOOST_TEST(of.at(4).generation == 1U);
}

BOOST_AUTO_TEST_CASE(ten_requests_make_two_upgrades) {
    life of(manual(1));
    of.ack(1);
    for (int request = 0; request < 10; ++request)
        of.happen(event::upgrade{upgrade_mode::rolling});
    of.pass(2s);
    BOOST_TEST(of.upgrades == 2U);
    of.ack(3);
    BOOST_TEST(of.last_report == "Upgrade done");
}

BOOST_AUTO_TEST_CASE(old_worker_is_replaced_in_kind_until_the_new_are_proven) {
    life of(manual(2));
    of.ack(1);
    of.ack(2);
    of.happen(event::upgrade{upgrade_mode::rolling});
    of.die(1);
    BOOST_TEST(of.at(5).generation == 1U);
}

BOOST_AUTO_TEST_CASE(fewer_workers_first_the_unacked_then_the_highest_index) {
    life of(manual(4));
    of.ack(1);
    of.ack(3);
    of.ack(4);
    of.happen(event::resize{3});
    BOOST_TEST(of.take_told() == signal_to(2, SIGUSR2));
    of.happen(event::resize{2});
    BOOST_TEST(of.take_told() == signal_to(4, SIGUSR2));
}

BOOST_AUTO_TEST_CASE(who_stays_is_told_more_firmly) {
    life of(manual(1));
    of.ack(1);
    of.happen(event::stop{SIGUSR2});
    of.pass(60s);
    of.pass(10s);
    BOOST_TEST(of.take_told() ==
               signal_to(1, SIGUSR2) + signal_to(1, SIGTERM) + signal_to(1, SIGKILL));
    of.die(1);
    BOOST_TEST((of.group_.phase() == group_phase::stopped));
}

BOOST_AUTO_TEST_CASE(who_was_told_with_term_is_killed_next) {
    life of(manual(1));
    of.happen(event::stop{SIGTERM});
    of.pass(60s);
    BOOST_TEST(of.take_told() == signal_to(1, SIGTERM) + signal_to(1, SIGKILL));
}

BOOST_AUTO_TEST_CASE(restart_begins_when_the_last_has_gone) {
    life of(manual(2));
    of.happen(event::restart{});
    of.die(1, 0);
    BOOST_TEST(of.spawns == 2U);
    of.die(2, 0);
    BOOST_TEST(of.spawns == 4U);
    BOOST_TEST(of.at(3).generation == 2U);
}

BOOST_AUTO_TEST_CASE(program_that_acks_and_dies_is_slowed_down) {
    life of(manual(1));
    for (process_id pid = 1; pid < 1000 && of.group_.find(pid); ++pid) {
        of.ack(pid);
        of.die(pid);
    }
    BOOST_TEST(of.spawns == 103U);
    of.pass(2s);
    BOOST_TEST(of.spawns == 104U);
}

BOOST_AUTO_TEST_CASE(missed_ack_counts_as_a_restart) {
    life of(manual(1));
    of.pass(30s); // worker 1 is told to go
    of.die(1);
    of.pass(2s);
    of.die(2);
    of.pass(3s);
    BOOST_TEST(of.at(3).restarts >= 1U);
}

BOOST_AUTO_TEST_CASE(ack_that_came_under_a_timer_counts_when_acks_are_asked_for) {
    policy wishes = manual(1);
    wishes.ack = ack_timer{1h};
    life of(wishes);
    of.ack(1);
    BOOST_TEST((of.at(1).state == worker_state::starting));
    of.happen(event::reconfigure{manual(1)});
    BOOST_TEST((of.at(1).state == worker_state::ready));
}

BOOST_AUTO_TEST_SUITE_END()
