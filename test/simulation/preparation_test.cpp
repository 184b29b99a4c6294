// SPDX-License-Identifier: GPL-3.0-or-later
//
// Histories of what comes before upgrades: its machine in a world in which programs cannot be
// started, take their time, fail, and are told to go, in which look-ups hang, fail, or come too
// late, in which timers are late or come when nothing is due, and in which the master is stopped
// for longer than every deadline, or replaced by another.
#include "machine/preparation.hpp"
#include "simulation/machine_histories.hpp"

#include <chrono>
#include <csignal>

namespace einhyrningsins::simulation {
namespace {

using namespace std::chrono_literals;
namespace action = machine::preparation_action;
using core::upgrade_mode;
using machine::preparation;
using request = core::event::upgrade;

class preparation_world {
  public:
    /// r, f  an upgrade is requested, rolling or of the fleet by SIGTERM
    /// c     the requests are cancelled
    /// g, b  the process ends, well or badly
    /// u, U  the user is found, or not
    /// x     the next start, or look-up, fails
    /// t, T  time passes: 7 s, a day
    /// l     what becomes due with the next letter is done only after the one that follows
    /// e     the timer rings although nothing may be due
    /// s     news of an earlier run, and of an earlier look-up
    /// m     the group can be upgraded no more, or again
    /// i     another interval
    /// w     another user, or none
    /// p     there is no upgrader any more, or there is one again
    /// h     another master goes on
    static constexpr std::string_view alphabet = "rcgbuUxtTleshmiwpf";

    void step(char letter) {
        bool late = std::exchange(late_, false);
        happen(letter);
        check();
        if (!late) settle();
    }
    /// Whoever does not answer has had his time then.
    void end() {
        for (int round = 0; round < 6; ++round) {
            settle();
            if (process_) finish("");
            settle();
            now_ += 1min;
        }
        settle();
        require(waiting_ == 0, "every_request_is_answered");
    }

  private:
    struct process {
        unsigned run;
        bool told = false;
    };

    void happen(char letter) {
        switch (letter) {
        case 'r': return ask({upgrade_mode::rolling, {}});
        case 'f': return ask({upgrade_mode::fleet, SIGTERM});
        case 'c':
            perform(machine_.cancel("stop"));
            return require(waiting_ == 0 && !look_up_, "a_cancel_answers_at_once");
        case 'g': return finish("");
        case 'b': return finish("exit code 1");
        case 'u': return find("");
        case 'U': return find("there is none");
        case 'x': start_fails_ = true; return;
        case 't': now_ += 7s; return;
        case 'T': now_ += 24h; return;
        case 'l': late_ = true; return;
        case 'e': return perform(machine_.tick(now_, can_upgrade_));
        case 's': return stale_news();
        case 'm': can_upgrade_ = !can_upgrade_; return;
        case 'i': return change_interval();
        case 'w': return change_user();
        case 'p': return change_upgrader();
        case 'h': return hand_over();
        }
    }

    void ask(const request& wanted) {
        bool prepares = !settings_.upgrader.empty() || !settings_.user.empty() ||
                        machine_.state().now != preparation::phase::resting;
        auto actions = machine_.request(wanted);
        ++waiting_;
        fleet_ |= wanted.mode == upgrade_mode::fleet;
        for (const auto& each : actions)
            require(!prepares || std::holds_alternative<action::note>(each),
                    "nothing_is_told_in_a_request");
        perform(actions);
    }
    void finish(const std::string& failure) {
        if (!process_) return;
        process ended = *process_;
        process_.reset();
        auto waited = waiting_;
        if (!ended.told && failure.empty()) {
            passed_ = true;
            by_itself_ = waiting_ == 0;
        }
        perform(machine_.ended(ended.run, failure, now_));
        if (ended.told) require(waiting_ == waited, "a_run_told_to_go_counts_for_nobody");
        if (!ended.told && !failure.empty()) require(waiting_ == 0, "the_outcome_counts_for_all");
        earliest_ = now_ + settings_.interval;
    }
    void find(const std::string& failure) {
        if (!look_up_) return;
        require(user_ == settings_.user, "the_right_user_is_looked_up");
        found_ = failure.empty();
        perform(machine_.found(*std::exchange(look_up_, std::nullopt), failure));
        found_ = false;
        require(waiting_ == 0, "the_outcome_counts_for_all");
    }
    void stale_news() {
        for (unsigned run : {0U, last_run_, last_run_ - 1})
            if (!process_ || run != process_->run)
                require_silence([&] {
                    return machine_.started(run, 4711).empty() &&
                           machine_.ended(run, "", now_).empty() &&
                           machine_.ended(run, "exit code 1", now_).empty();
                });
        for (unsigned number : {0U, last_look_up_, last_look_up_ - 1})
            if (number != look_up_)
                require_silence([&] {
                    return machine_.found(number, "").empty() &&
                           machine_.found(number, "there is none").empty();
                });
    }
    void require_silence(auto news) {
        auto before = machine_.state();
        require(news() && before == machine_.state(), "stale_news_is_ignored");
    }
    void change_interval() {
        core::duration& interval = settings_.interval;
        interval = interval == 10s ? 0s : interval == 0s ? 3s : 10s;
        auto before = machine_.state().next;
        perform(machine_.change(settings_, now_));
        auto after = machine_.state().next;
        if (before && after) require(*after <= *before, "a_planned_run_is_not_put_off");
        earliest_ = std::min(earliest_, now_ + interval);
    }
    void change_user() {
        std::string& user = settings_.user;
        user = user.empty() ? "user www" : user == "user www" ? "user web" : "";
        perform(machine_.change(settings_, now_));
    }
    /// A preparation that has come further does without a new one.
    void change_upgrader() {
        settings_.upgrader = settings_.upgrader.empty() ? "check" : "";
        passed_ |= machine_.state().now == preparation::phase::accepted ||
                   machine_.state().now == preparation::phase::looking_up;
        perform(machine_.change(settings_, now_));
        earliest_ = now_ + settings_.interval;
    }
    /// A process that runs is known by another number then, and a look-up begins again.
    void hand_over() {
        auto before = machine_.state();
        if (std::exchange(look_up_, std::nullopt)) before.now = preparation::phase::accepted;
        machine_ = preparation(settings_, before, now_);
        require(machine_.state() == before, "another_master_goes_on");
        if (process_) process_->run = 0;
        last_run_ = last_look_up_ = 0;
    }

    void perform(const preparation::actions& actions) {
        for (const auto& each : actions)
            std::visit([this](const auto& alternative) { on(alternative); }, each);
    }
    void on(const action::start& start) {
        require(!process_ && !look_up_, "one_thing_at_a_time");
        require(!settings_.upgrader.empty(), "there_is_an_upgrader");
        require(start.run > last_run_, "runs_have_names");
        bool by_itself = settings_.interval > 0s && now_ >= earliest_ && can_upgrade_;
        require(waiting_ > 0 || by_itself, "no_run_without_a_reason");
        last_run_ = start.run;
        if (std::exchange(start_fails_, false)) {
            perform(machine_.ended(start.run, "it cannot be run", now_));
            earliest_ = now_ + settings_.interval;
            return require(waiting_ == 0, "the_outcome_counts_for_all");
        }
        process_ = process{start.run};
        auto told = machine_.started(start.run, 101);
        require(told.size() == 1 && std::holds_alternative<action::tell>(told[0]), "a_run_is_told");
    }
    void on(const action::stop&) {
        require(process_ && !std::exchange(process_->told, true), "told_to_go_once");
    }
    void on(const action::look_up& wanted) {
        require(!process_ && !look_up_, "one_thing_at_a_time");
        require(wanted.number > last_look_up_, "look_ups_have_names");
        require(waiting_ > 0 || by_itself_, "no_look_up_without_a_reason");
        last_look_up_ = wanted.number;
        user_ = settings_.user;
        if (!std::exchange(start_fails_, false)) return void(look_up_ = wanted.number);
        perform(machine_.found(wanted.number, "no memory"));
        require(waiting_ == 0, "the_outcome_counts_for_all");
    }
    void on(const action::withdraw&) {
        require(std::exchange(look_up_, std::nullopt).has_value(), "withdrawn_once");
    }
    void on(const action::upgrade& upgrade) {
        require(waiting_ > 0 || by_itself_, "no_upgrade_without_a_reason");
        require(!can_upgrade_ || passed_ || settings_.upgrader.empty(), "an_upgrader_is_asked");
        require(!can_upgrade_ || found_ || settings_.user.empty(), "a_user_is_looked_up");
        request all = fleet_ ? request{upgrade_mode::fleet, SIGTERM} : request{};
        require(upgrade.wanted == all, "who_joins_takes_nothing_away");
        answer();
    }
    void on(const action::tell& tell) {
        if (!std::holds_alternative<core::report_of::upgrade_cancelled>(tell.news)) return;
        require(waiting_ > 0 || by_itself_, "an_answer_for_each_request");
        answer();
    }
    void on(const action::note&) {}
    void answer() {
        waiting_ = 0;
        fleet_ = by_itself_ = passed_ = false;
    }

    void check() const {
        const auto& state = machine_.state();
        using enum preparation::phase;
        require((state.now == running || state.now == leaving) == process_.has_value(),
                "no_unknown_process");
        require(!process_ || process_->told == (state.now == leaving), "phases_are_true");
        require((state.now == looking_up) == look_up_.has_value(), "phases_are_true");
        bool asked = waiting_ > 0 || by_itself_;
        require(state.asked.has_value() == asked, "requests_are_remembered");
        require(!asked || state.now != resting, "requests_are_served");
        bool has_interval = settings_.interval > 0s && !settings_.upgrader.empty();
        if (!process_ && !asked)
            require(machine_.next_deadline().has_value() == has_interval, "it_runs_by_itself");
        if (has_interval && state.now == resting)
            require(*state.next <= now_ + settings_.interval, "intervals_are_kept");
    }
    /// What the shell's timer does. A process may fail to start, so there is more than one round.
    void settle() {
        for (int round = 0; round < 4; ++round) {
            auto due = machine_.next_deadline();
            if (!due || *due > now_) break;
            perform(machine_.tick(now_, can_upgrade_));
            check();
        }
        auto due = machine_.next_deadline();
        require(!due || *due > now_, "deadlines_are_met");
    }

    core::time_point now_{};
    preparation::settings_type settings_{.upgrader = "check", .interval = 10s, .user = "user www"};
    core::time_point earliest_ = now_ + 10s; ///< that the upgrader may run by itself
    bool can_upgrade_ = true, start_fails_ = false, late_ = false;
    std::optional<process> process_;
    std::optional<unsigned> look_up_;
    std::string user_;       ///< who is looked up
    bool passed_ = false;    ///< the upgrader has nothing against the upgrade that is to come
    bool found_ = false;     ///< its user is being told
    bool by_itself_ = false; ///< it is one that nobody has asked for
    bool fleet_ = false;     ///< one of the requests was 'f'
    unsigned waiting_ = 0;   ///< requests without an answer
    unsigned last_run_ = 0, last_look_up_ = 0;
    preparation machine_{settings_, {}, now_};
};

} // namespace

BOOST_AUTO_TEST_SUITE(preparation_machine)

BOOST_AUTO_TEST_CASE(random_histories) { live_random_histories<preparation_world>(); }
BOOST_AUTO_TEST_CASE(all_short_histories) { live_all_histories<preparation_world>(4); }
BOOST_AUTO_TEST_CASE(all_histories_of_requests) {
    live_all_histories<preparation_world>(8, "rcgut");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::simulation
