// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/background.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace einhyrningsins::os;
using namespace os_test;

namespace {

constexpr int patience_ms = 20'000;

/// A door that jobs wait at until it is opened. They own a part of it, as jobs have to.
class door {
  public:
    ~door() { open(); }
    void open() {
        if (!std::exchange(is_open_, true)) state_->opened.set_value();
    }
    auto wait() const {
        return [state = state_, opened = opened_] {
            state->is_reached = true;
            opened.wait();
        };
    }
    /// Whether a job waits at it, or has passed.
    bool is_reached() const { return state_->is_reached; }

  private:
    struct state {
        std::promise<void> opened;
        std::atomic<bool> is_reached = false;
    };
    std::shared_ptr<state> state_ = std::make_shared<state>();
    std::shared_future<void> opened_ = state_->opened.get_future();
    bool is_open_ = false;
};

/// Waits until the results are there that `is_enough` asks for.
void deliver_until(background& jobs, const std::function<bool()>& is_enough) {
    while (!is_enough()) {
        pollfd one{jobs.descriptor(), POLLIN, 0};
        BOOST_REQUIRE(::poll(&one, 1, patience_ms) == 1);
        jobs.deliver();
    }
}

void wait_until(const std::function<bool()>& holds) {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
    while (!holds()) {
        BOOST_REQUIRE(std::chrono::steady_clock::now() < deadline);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

std::size_t threads_of_this_process() {
    auto all = std::filesystem::directory_iterator("/proc/self/task");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

auto ignore = [](const auto&) {};

/// A helper thread of the test before may still be ending.
struct alone {
    alone() { wait_until(has_one_thread); }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(in_the_background, alone)

BOOST_AUTO_TEST_CASE(the_result_is_delivered_in_the_loop) {
    background jobs({});
    auto us = std::this_thread::get_id();
    bool elsewhere = false, here = false;
    std::string got;
    auto job = jobs.run(
        [&] {
            elsewhere = std::this_thread::get_id() != us;
            return std::string("a result");
        },
        [&](result<std::string> text) {
            here = std::this_thread::get_id() == us;
            got = *text;
        });
    BOOST_REQUIRE(job);
    BOOST_TEST(got.empty());
    deliver_until(jobs, [&] { return !got.empty(); });
    BOOST_TEST(got == "a result");
    BOOST_TEST(elsewhere);
    BOOST_TEST(here);
    BOOST_TEST(!is_readable(jobs.descriptor()));
}

BOOST_AUTO_TEST_CASE(one_thread_does_jobs_in_their_order) {
    background jobs({});
    std::vector<int> begun, delivered;
    std::vector<background::job> all;
    for (int number = 0; number < 50; ++number)
        all.push_back(std::move(*jobs.run([&begun, number] { begun.push_back(number); },
                                          [&delivered, number](result<void> done) {
                                              BOOST_TEST(done.has_value());
                                              delivered.push_back(number);
                                          })));
    deliver_until(jobs, [&] { return delivered.size() == 50; });
    BOOST_TEST(std::ranges::is_sorted(begun));
    BOOST_TEST(std::ranges::is_sorted(delivered));
}

BOOST_AUTO_TEST_CASE(without_work_there_is_no_thread) {
    std::size_t before = threads_of_this_process();
    background jobs({});
    BOOST_TEST(threads_of_this_process() == before);
    door shut;
    bool done = false;
    auto job = jobs.run(shut.wait(), [&](const result<void>&) { done = true; });
    BOOST_TEST(threads_of_this_process() == before + 1);
    BOOST_TEST(background::threads() == 1U);
    shut.open();
    deliver_until(jobs, [&] { return done; });
    wait_until([&] { return threads_of_this_process() == before; });
    BOOST_TEST(background::threads() == 0U);
}

BOOST_AUTO_TEST_CASE(a_thread_has_the_umask_that_the_loop_had) {
    mode_t before = ::umask(027);
    background jobs({});
    for (int round = 0; round < 200; ++round) {
        std::optional<mode_t> had;
        auto job = jobs.run([] { return ::umask(027); }, [&](result<mode_t> mask) { had = *mask; });
        ::umask(0177); // as for the moment of a bind
        deliver_until(jobs, [&] { return had.has_value(); });
        BOOST_TEST(*had == 027U);
        BOOST_TEST(::umask(027) == 0177U);
    }
    ::umask(before);
}

BOOST_AUTO_TEST_CASE(a_thread_that_lingers_takes_the_next_job) {
    background jobs({.linger = std::chrono::minutes(1)});
    std::vector<std::thread::id> threads;
    for (std::size_t count = 1; count <= 3; ++count) {
        auto job = jobs.run([] { return std::this_thread::get_id(); },
                            [&](result<std::thread::id> id) { threads.push_back(*id); });
        deliver_until(jobs, [&] { return threads.size() == count; });
        BOOST_TEST((threads.back() == threads.front()));
    }
    BOOST_TEST(background::threads() == 1U);
}

BOOST_AUTO_TEST_CASE(a_job_that_is_stuck_delays_no_other_kind) {
    background names({}), files({});
    door shut;
    auto stuck = names.run(shut.wait(), ignore);
    bool done = false;
    auto job = files.run([] {}, [&](const result<void>&) { done = true; });
    deliver_until(files, [&] { return done; });
}

BOOST_AUTO_TEST_CASE(where_several_threads_are_allowed_others_go_on_beside_a_stuck_job) {
    background jobs({.threads = 2});
    door shut;
    auto stuck = jobs.run(shut.wait(), ignore);
    int done = 0;
    std::vector<background::job> all;
    for (int i = 0; i < 10; ++i)
        all.push_back(std::move(*jobs.run([] {}, [&](const result<void>&) { ++done; })));
    deliver_until(jobs, [&] { return done == 10; });
    BOOST_TEST(background::threads() <= 2U);
}

BOOST_AUTO_TEST_CASE(too_many_jobs_are_refused) {
    background jobs({.jobs = 2});
    door shut;
    int done = 0;
    auto count = [&](const result<void>&) { ++done; };
    auto one = jobs.run(shut.wait(), count);
    auto two = jobs.run([] {}, count);
    auto three = jobs.run([] {}, count);
    BOOST_REQUIRE(!three);
    BOOST_TEST(three.error().message() == "2 such jobs are waiting already");
    shut.open();
    deliver_until(jobs, [&] { return done == 2; });
    auto four = jobs.run([] {}, count);
    BOOST_TEST(four.has_value());
    deliver_until(jobs, [&] { return done == 3; });
}

BOOST_AUTO_TEST_CASE(of_a_job_that_was_taken_back_nothing_is_delivered) {
    background jobs({});
    door shut;
    auto own = std::make_shared<int>(0);
    std::weak_ptr<int> held = own;
    bool begun = false, done = false;
    {
        auto running =
            jobs.run(shut.wait(), [own = std::move(own)](const result<void>&) { ++*own; });
        auto waiting = jobs.run([&] { begun = true; }, ignore);
        BOOST_TEST(!held.expired());
    }
    BOOST_TEST(held.expired()); // at once, though its job goes on
    shut.open();
    auto last = jobs.run([] {}, [&](const result<void>&) { done = true; });
    deliver_until(jobs, [&] { return done; });
    BOOST_TEST(!begun);
}

BOOST_AUTO_TEST_CASE(a_job_may_be_replaced_while_it_is_delivered) {
    background jobs({});
    background::job job;
    int count = 0;
    std::function<void()> again = [&] {
        job = std::move(*jobs.run([] {},
                                  [&, text = std::string(100, 'x')](const result<void>&) {
                                      if (++count < 3) again();
                                      BOOST_TEST(text.size() ==
                                                 100U); // what a handler has stays until it returns
                                  }));
    };
    again();
    deliver_until(jobs, [&] { return count == 3; });
}

BOOST_AUTO_TEST_CASE(an_exception_in_a_job_is_its_result) {
    background jobs({});
    std::vector<std::string> errors;
    auto keep = [&](const result<int>& got) { errors.push_back(got.error().message()); };
    auto one = jobs.run([]() -> int { throw std::runtime_error("no luck"); }, keep);
    auto two = jobs.run([]() -> int { throw std::bad_alloc(); }, keep);
    deliver_until(jobs, [&] { return errors.size() == 2; });
    BOOST_TEST(errors[0] == "no luck");
    BOOST_TEST(errors[1] == "std::bad_alloc");
}

BOOST_AUTO_TEST_CASE(an_exception_in_a_handler_takes_no_other_result_away) {
    background jobs({});
    bool first = false, second = false;
    auto one = jobs.run([] {},
                        [&](const result<void>&) {
                            first = true;
                            throw std::runtime_error("of the handler");
                        });
    auto two = jobs.run([] {}, [&](const result<void>&) { second = true; });
    while (!first) {
        wait_until([&] { return is_readable(jobs.descriptor()); });
        BOOST_CHECK_THROW(jobs.deliver(), std::runtime_error);
    }
    deliver_until(jobs, [&] { return second; });
}

BOOST_AUTO_TEST_CASE(signals_are_not_for_helper_threads) {
    background jobs({});
    std::vector<int> open;
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, nullptr, &before);
    bool done = false;
    auto job = jobs.run(
        [] {
            sigset_t mask;
            pthread_sigmask(SIG_SETMASK, nullptr, &mask);
            std::vector<int> left;
            for (int number = 1; number < 32; ++number)
                if (sigismember(&mask, number) == 0) left.push_back(number);
            return left;
        },
        [&](result<std::vector<int>> left) {
            open = *left;
            done = true;
        });
    deliver_until(jobs, [&] { return done; });
    std::vector<int> faults{SIGILL,  SIGTRAP, SIGABRT, SIGBUS, SIGFPE,
                            SIGKILL, SIGSEGV, SIGSTOP, SIGSYS};
    std::ranges::sort(faults);
    BOOST_TEST(open == faults, boost::test_tools::per_element());
    pthread_sigmask(SIG_SETMASK, nullptr, &after);
    BOOST_TEST(sigismember(&after, SIGUSR1) == sigismember(&before, SIGUSR1));
}

BOOST_AUTO_TEST_CASE(the_end_of_all_does_not_wait_for_a_stuck_job) {
    auto own = std::make_shared<int>(0);
    std::weak_ptr<int> held = own;
    door shut;
    {
        background jobs({});
        auto job = jobs.run(shut.wait(), [own = std::move(own)](const result<void>&) {});
        auto later = std::move(*job); // outlives the rest of them
        static background::job last;
        last = std::move(later);
        wait_until([&] { return shut.is_reached(); });
    }
    BOOST_TEST(held.expired());
    BOOST_TEST(background::threads() == 1U);
    shut.open();
    wait_until([] { return background::threads() == 0; });
}

BOOST_AUTO_TEST_CASE(an_exec_does_not_wait_for_a_stuck_job) {
    BOOST_TEST(in_child([] {
                   background jobs({});
                   int never[2];
                   if (::pipe(never) != 0) return 1;
                   auto job = jobs.run(
                       [fd = never[0]] {
                           char byte;
                           return ::read(fd, &byte, 1);
                       },
                       ignore);
                   ::execl("/bin/sh", "sh", "-c", "exit 42", nullptr);
                   return 2;
               }) == 42);
}

#ifndef __SANITIZE_ADDRESS__ // the sanitizers need descriptors themselves
BOOST_AUTO_TEST_CASE(without_a_descriptor_nothing_is_begun) {
    BOOST_TEST(in_child([] {
                   rlimit none{0, 0};
                   ::setrlimit(RLIMIT_NOFILE, &none);
                   background jobs({});
                   bool called = false;
                   auto job = jobs.run([&] { called = true; }, ignore);
                   return first_failure({!job.has_value(), job.error().number == EMFILE, !called,
                                         background::threads() == 0});
               }) == 0);
}
#endif

BOOST_AUTO_TEST_CASE(without_a_thread_the_caller_does_the_job) {
    BOOST_TEST(in_child([] {
                   if (::setuid(65534) != 0 && is_root()) return 100;
                   rlimit none{0, 0};
                   ::setrlimit(RLIMIT_NPROC, &none);
                   std::vector<std::string> told;
                   background::on_shortage(
                       [&](const os_error& why) { told.push_back(why.message()); });
                   background jobs({});
                   int done = 0, delivered = 0;
                   auto count = [&](const result<void>&) { ++delivered; };
                   auto one = jobs.run([&] { ++done; }, count);
                   bool in_run = done == 1 && delivered == 0 && is_readable(jobs.descriptor());
                   auto two = jobs.run([&] { ++done; }, count);
                   jobs.deliver();
                   std::vector<std::string> once{"helper thread: Resource temporarily unavailable"};
                   return first_failure({one.has_value(), in_run, two.has_value(), done == 2,
                                         delivered == 2, told == once, background::threads() == 0});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(a_umask_that_is_set_for_a_moment_is_not_for_helper_threads) {
    if (in_child([] { return ::unshare(CLONE_FS) == 0 ? 0 : 1; }) != 0) return;
    background jobs({});
    door shut;
    mode_t usual = ::umask(022), seen = 0;
    bool done = false;
    auto job = jobs.run(
        [wait = shut.wait()] {
            wait();
            return ::umask(0);
        },
        [&](result<mode_t> mask) {
            seen = *mask;
            done = true;
        });
    wait_until([&] { return shut.is_reached(); });
    ::umask(0177);
    shut.open();
    deliver_until(jobs, [&] { return done; });
    BOOST_TEST(::umask(usual) == 0177U);
    BOOST_TEST(seen == 022U);
}

BOOST_AUTO_TEST_SUITE_END()
