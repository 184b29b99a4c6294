// SPDX-License-Identifier: GPL-3.0-or-later
//
// A reload with a signal to the master at each of its system calls: none is lost.
#include "world/apart.hpp"
#include "world/world.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <set>
#include <string>

namespace einhyrningsins::world {
namespace {

using namespace std::chrono_literals;

constexpr int of_masters[] = {SIGTERM, SIGINT,  SIGUSR2, SIGQUIT, SIGHUP,
                              SIGALRM, SIGUSR1, SIGCONT, SIGTTIN, SIGTTOU};

bool ends(int number) {
    return number == SIGTERM || number == SIGINT || number == SIGUSR2 || number == SIGQUIT;
}
bool upgrades(int number) { return number == SIGHUP || number == SIGALRM; }
bool is_passed_on(int number) { return !ends(number) && !upgrades(number); }

/// A master with one worker, a reload, and a signal.
class reload_life {
  public:
    /// The signal is sent at the n-th call of the reload.
    reload_life(int number, unsigned n) : number_(number), at_(n) {
        world_.fault = [this](std::string_view) {
            if (is_reloading_ && ++calls_ == at_) world_.system.after(0s, [this] { send(); });
            return 0;
        };
    }

    /// Returns what is wrong, and if something is, the log; "over" if there are less calls.
    std::string run() {
        world_.run({"--ack-mode", "0.1", "/srv/server"}, live());
        if (!is_sent_) return over;
        if (ends(number_) && world_.exit_code() != (number_ == SIGQUIT ? 1 : 0))
            world_.complain("expected: the master has ended as it was told to");
        std::string told;
        for (const std::string& each : world_.violations())
            told += each + "\n";
        return told.empty() ? told : told + world_.log();
    }

  private:
    story live();
    void send() {
        is_sent_ = true;
        world_.system.kill(world_.master, number_);
    }
    bool is_obeyed() const {
        return upgrades(number_) ? world_.logged("Upgrade done") == 1 : heard_.contains(number_);
    }

    world world_;
    int number_;
    unsigned at_, calls_ = 0;
    bool is_reloading_ = false, is_sent_ = false;
    std::set<int> heard_; ///< by the worker
};

story reload_life::live() {
    co_await world_.until("a worker", [&] { return world_.logged("is ready") == 1; });
    auto worker = world_.workers().front();
    worker->on_signal = [this, usual = worker->on_signal](int number) {
        heard_.insert(number);
        return is_passed_on(number) || usual(number);
    };
    client& asker = world_.connect();
    is_reloading_ = true;
    int id = asker.request("reload");
    co_await world_.until("the reload, or its end", [&] {
        return !asker.answer_to(id).empty() || (is_sent_ && ends(number_));
    });
    is_reloading_ = false;
    if (is_sent_ && ends(number_)) {
        // One that has not heard it does not end.
        world_.system.after(60s, world_.master,
                            [this] { world_.system.kill(world_.master, SIGKILL); });
        co_return;
    }
    if (is_sent_) co_await world_.until("the signal is obeyed", [&] { return is_obeyed(); });
    world_.system.kill(world_.master, SIGTERM);
}

BOOST_AUTO_TEST_CASE(no_signal_is_lost_in_a_reload) {
    for (int number : of_masters) {
        std::string wrong =
            run_numbered([number](unsigned n) { return reload_life(number, n).run(); });
        BOOST_TEST(wrong.empty(), ::strsignal(number) << " " << wrong);
    }
}

} // namespace
} // namespace einhyrningsins::world
