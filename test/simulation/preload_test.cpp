// SPDX-License-Identifier: GPL-3.0-or-later
//
// Histories of a template process: its machine in a world in which the process lies, is silent,
// dies before, after or instead of its answers, and its forks die before their birth is told.
#include "machine/preload.hpp"
#include "simulation/machine_histories.hpp"

#include <chrono>
#include <deque>
#include <set>
#include <utility>

namespace einhyrningsins::simulation {
namespace {

using namespace std::chrono_literals;
namespace action = machine::preload_action;
using machine::birth_order;
using machine::preload;
using machine::standing;

constexpr core::process_id template_pid = 50;
constexpr core::process_id unseen_pid = 60; ///< of a worker that was reaped between two masters

class preload_world {
  public:
    /// o     an order
    /// w     orders that wait are withdrawn
    /// L, R  the process says that it has loaded the object, or cannot
    /// a, n  it answers: a fork, or that the machine has no room for one
    /// N     it answers that it cannot fork
    /// d     its next fork dies before its birth is told
    /// f, i  it names a foreign process, or itself
    /// g     it names a process that does not exist
    /// z, c  it says nonsense, or hangs up
    /// k     it dies and is reaped
    /// v     if it is to be killed it is not there any more
    /// u     the next order cannot be sent
    /// t, T  its limit rings, or one that was replaced
    /// h     another master goes on
    static constexpr std::string_view alphabet = "ooowLLaaaandfgzcktuThNRiv";
    static constexpr std::string_view most = "owLandfckt";

    preload_world() { perform(machine_.begin()); }

    void step(char letter) {
        happen(letter);
        check();
    }
    void end() {
        if (!reaped_) die();
        check();
        require(open_.empty() && machine_.is_idle(), "every_order_is_answered");
    }

  private:
    void happen(char letter) {
        switch (letter) {
        case 'o': return order();
        case 'w':
            return perform(machine_.withdraw(
                [](const birth_order& each) { return static_cast<unsigned>(each.id) % 2 == 1; }));
        case 'k':
            if (!reaped_) die();
            return;
        case 'v': vanishes_ = !reaped_; return;
        case 'u': unsendable_ = true; return;
        case 't':
            if (limit_.time) perform(machine_.overdue(limit_.number));
            return;
        case 'T': return late_limit();
        case 'h': return hand_over();
        default:
            if (!reaped_ && !hung_up_) say(letter);
        }
    }
    void say(char letter) {
        bool asked = !sent_.empty();
        switch (letter) {
        case 'L': return perform(machine_.loaded(1s));
        case 'R': return perform(machine_.refused("undefined symbol"));
        case 'a': return perform(machine_.forked(next_fork_++, standing::own_fork));
        case 'n':
            next_fork_ += next_fork_ == dead_;
            return perform(machine_.fork_failed("no memory", true));
        case 'N': return cannot_fork();
        case 'd':
            if (!asked || dead_ == next_fork_) return;
            dead_ = next_fork_;
            return machine_.child_ended(next_fork_, {core::exit_cause::kind_type::exited, 7});
        case 'f': return perform(machine_.forked(4711, standing::foreign));
        case 'g':
            return perform(machine_.forked(inherited_ > 0 ? unseen_pid : 4711, standing::gone));
        case 'i': return perform(machine_.forked(template_pid, standing::own_fork));
        case 'z': return perform(machine_.garbled());
        case 'c': return perform(machine_.closed());
        }
    }
    /// That is an answer, after which the order waits for the end of the process.
    void cannot_fork() {
        if (!sent_.empty()) forget_first();
        perform(machine_.fork_failed("no permission", false));
    }
    void order() {
        birth_order made{core::worker_id(++last_), 0, 1};
        open_.insert(made.id);
        perform(machine_.ask(made));
    }
    void die() {
        reaped_ = true;
        perform(machine_.ended("it died"));
    }
    void late_limit() {
        auto before = machine_.state().now;
        require(machine_.overdue(limit_.number - 1).empty() && machine_.state().now == before,
                "a_limit_that_was_replaced_is_ignored");
    }
    void hand_over() {
        if (reaped_) return; // it would not be handed over
        machine_ = preload(template_pid, "a.so", machine_.state());
        inherited_ = sent_.size();
        limit_ = {0, {}};
        perform(machine_.begin());
    }

    void perform(const preload::actions& actions) {
        for (const auto& each : actions)
            std::visit([this](const auto& alternative) { on(alternative); }, each);
    }
    void answer(const birth_order& order) {
        require(open_.erase(order.id) == 1, "an_order_has_one_end");
    }
    void answer_first(const birth_order& order) {
        require(!sent_.empty() && sent_.front() == order.id, "answers_keep_the_order");
        forget_first();
        answer(order);
    }
    void forget_first() {
        sent_.pop_front();
        if (inherited_ > 0) --inherited_;
    }
    void on(const action::send& send) {
        require(machine_.state().now == preload::phase::serving, "sent_to_one_that_serves");
        if (std::exchange(unsendable_, false))
            return perform(machine_.unsent(send.order, "no descriptors", true));
        sent_.push_back(send.order.id);
    }
    void on(const action::born& born) {
        require(born.pid != template_pid && born.pid != 4711, "no_stranger_is_a_worker");
        bool died = born.pid == dead_ || born.pid == unseen_pid;
        require(born.death.has_value() == died, "early_deaths_are_told");
        answer_first(born.order);
    }
    void on(const action::failed& failed) {
        if (!sent_.empty() && sent_.front() == failed.order.id) return answer_first(failed.order);
        require(std::ranges::find(sent_, failed.order.id) == sent_.end(), "answers_keep_the_order");
        answer(failed.order);
    }
    void on(const action::decline& decline) {
        require(reaped_, "nothing_is_declined_that_may_be_born");
        std::erase(sent_, decline.order.id);
        answer(decline.order);
    }
    void on(const action::kill&) {
        require(!reaped_ && !std::exchange(killed_, true), "killed_once_and_not_after_reap");
        if (!vanishes_) return;
        reaped_ = true;
        perform(machine_.vanished());
    }
    void on(const action::hang_up&) { hung_up_ = true; }
    void on(const action::set_limit& limit) {
        require(limit.number != limit_.number, "limits_have_names");
        limit_ = limit;
    }
    void on(const action::note&) {}

    void check() const {
        using enum preload::phase;
        const auto& state = machine_.state();
        require((state.now == gone) == reaped_, "it_is_gone_when_it_is_reaped");
        require((state.now == doomed) == (killed_ && !reaped_), "it_is_killed_when_it_is_doomed");
        bool due = state.now == loading || (state.now == serving && !sent_.empty());
        require(limit_.time.has_value() == due, "time_is_watched_while_an_answer_is_due");
        require(state.asked.size() == sent_.size(), "orders_are_remembered");
        require(state.now != serving || state.waits.empty(), "orders_do_not_wait_for_nothing");
        require(state.strays.empty() || !state.asked.empty(), "strays_are_forgotten");
    }

    preload machine_{template_pid, "a.so", {}};
    std::set<core::worker_id> open_;   ///< orders without an answer
    std::deque<core::worker_id> sent_; ///< those that the process knows
    std::size_t inherited_ = 0;        ///< of these, how many another master has sent
    std::uint64_t last_ = 0;           ///< order
    core::process_id next_fork_ = 101;
    core::process_id dead_ = 0; ///< the last fork that died before its birth was told
    bool killed_ = false, reaped_ = false, hung_up_ = false;
    bool vanishes_ = false, unsendable_ = false;
    action::set_limit limit_{0, {}};
};

} // namespace

BOOST_AUTO_TEST_SUITE(preload_machine)

BOOST_AUTO_TEST_CASE(random_histories) { live_random_histories<preload_world>(); }
BOOST_AUTO_TEST_CASE(all_short_histories) {
    live_all_histories<preload_world>(6, preload_world::most);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::simulation
