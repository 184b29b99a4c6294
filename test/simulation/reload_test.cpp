// SPDX-License-Identifier: GPL-3.0-or-later
//
// Histories of a reload: its machine in a world in which trial runs cannot be started, fail, or do
// not end, in which their limits ring late or after their end, in which log files are written for
// ever, and in which the exec fails.
#include "machine/reload.hpp"
#include "simulation/machine_histories.hpp"

#include <utility>

namespace einhyrningsins::simulation {
namespace {

namespace action = machine::reload_action;
using machine::reload;

class reload_world {
  public:
    /// r     a reload is requested
    /// g, b  the trial run ends, well or badly
    /// o     its limit rings
    /// c     the reload is cancelled
    /// x, y  the next trial run cannot be started; the next exec fails
    /// k     the next trial run has been started when something else about it fails
    /// l     what is to be done after the next letter is done only after the one that follows
    /// w     log files are being written, or are not any more
    /// f     a log file does not answer
    /// e     a turn comes although nothing may be to be done
    /// s     news of earlier trial runs: they are reaped, their limits ring
    static constexpr std::string_view alphabet = "rgbocxywlfesk";

    void step(char letter) {
        bool late = std::exchange(late_, false);
        happen(letter);
        check();
        if (!late && letter != 'l') settle();
    }
    void end() {
        logs_busy_ = false;
        settle();
        if (running_) finish("");
        settle();
        require(waiting_ == 0, "every_request_is_answered");
    }

  private:
    void happen(char letter) {
        switch (letter) {
        case 'r':
            machine_.request();
            ++waiting_;
            return;
        case 'g': return finish("");
        case 'b': return finish("exit code 1");
        case 'o': return perform(machine_.overdue(running_ ? trial_ : 0, "too long"));
        case 'c':
            perform(machine_.cancel("stop"));
            return require(waiting_ == 0, "a_cancel_answers_at_once");
        case 'x': start_fails_ = true; return;
        case 'k': goes_wrong_ = true; return;
        case 'y': exec_fails_ = true; return;
        case 'w': logs_busy_ = !logs_busy_; return;
        case 'l': late_ = true; return;
        case 'f':
            if (logs_waited_) answer_settle("it does not answer");
            return;
        case 'e': return perform(machine_.tick());
        case 's': return stale_news();
        }
    }
    void finish(const std::string& failure) {
        if (!std::exchange(running_, false)) return;
        succeeded_ = failure.empty();
        machine_.ended(trial_, failure);
        require(waiting_ > 0, "deaths_are_noticed_before_consequences");
    }
    void stale_news() {
        for (unsigned trial : {0U, trial_ - 1, running_ ? trial_ + 1 : trial_}) {
            auto before = machine_.now();
            machine_.ended(trial, "");
            machine_.ended(trial, "exit code 1");
            require(machine_.overdue(trial, "too long").empty() && machine_.now() == before,
                    "stale_news_is_ignored");
        }
        if (logs_waited_) return;
        auto before = machine_.now();
        require(machine_.settled("").empty() && machine_.now() == before, "stale_news_is_ignored");
    }
    void answer_settle(const std::string& failure) {
        logs_waited_ = false;
        logs_rest_ = failure.empty();
        perform(machine_.settled(failure));
        logs_rest_ = false;
    }

    void perform(const reload::actions& actions) {
        for (const auto& each : actions)
            std::visit([this](const auto& alternative) { on(alternative); }, each);
    }
    void on(const action::settle&) {
        require(!std::exchange(logs_waited_, true), "one_wait_at_a_time");
    }
    void on(const action::begin_trial& begin) {
        require(logs_rest_, "no_log_is_written_meanwhile");
        require(!running_, "one_trial_at_a_time");
        require(waiting_ > 0, "no_trial_without_a_request");
        require(begin.trial > trial_, "trials_have_names");
        trial_ = begin.trial;
        succeeded_ = false;
        running_ = !std::exchange(start_fails_, false);
        starting_ = true;
        if (std::exchange(goes_wrong_, false) || !running_) perform(machine_.failed("no memory"));
        starting_ = false;
    }
    void on(const action::kill&) {
        require(std::exchange(running_, false) || starting_, "no_signal_after_reap");
    }
    void on(const action::announce&) {
        require(!logs_waited_ && !logs_rest_, "an_exec_is_announced_while_logs_are_written");
        announced_ = true;
    }
    void on(const action::execute&) {
        require(logs_rest_, "no_log_is_written_meanwhile");
        require(std::exchange(announced_, false), "an_exec_is_announced");
        require(!running_ && std::exchange(succeeded_, false), "an_exec_follows_a_good_trial");
        if (std::exchange(exec_fails_, false)) return perform(machine_.failed("no such file"));
        waiting_ = 0; // the new program answers
        logs_waited_ = false;
        machine_ = reload();
        trial_ = 0;
    }
    void on(const action::refuse& refuse) {
        require(waiting_ > 0 && !refuse.why.empty(), "one_answer_for_each_request");
        waiting_ = 0;
    }

    void check() const {
        using enum reload::phase;
        require((machine_.now() == idle) == (waiting_ == 0), "requests_are_served");
        require((machine_.now() == trying) == running_, "no_unknown_process");
        require(machine_.now() != executing, "an_exec_fails_or_does_not_return");
        bool waits = machine_.now() == settling || machine_.now() == leaving;
        require(!waits || logs_waited_, "no_wait_without_an_answer");
    }
    void settle() {
        while (machine_.has_work() || (logs_waited_ && !logs_busy_)) {
            if (logs_waited_ && !logs_busy_)
                answer_settle("");
            else
                perform(machine_.tick());
            check();
        }
    }

    reload machine_;
    unsigned waiting_ = 0; ///< requests without an answer
    unsigned trial_ = 0;   ///< the last one
    bool running_ = false; ///< it is a child that has not been reaped or killed
    bool starting_ = false, goes_wrong_ = false;
    bool succeeded_ = false;
    bool announced_ = false;
    bool logs_waited_ = false; ///< an answer to action::settle is due
    bool logs_busy_ = false;   ///< it takes its time
    bool logs_rest_ = false;   ///< it is being given
    bool start_fails_ = false, exec_fails_ = false, late_ = false;
};

} // namespace

BOOST_AUTO_TEST_SUITE(reload_machine)

BOOST_AUTO_TEST_CASE(random_histories) { live_random_histories<reload_world>(); }
BOOST_AUTO_TEST_CASE(all_short_histories) { live_all_histories<reload_world>(6); }

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::simulation
