// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/reap.hpp"
#include "os/signals.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <csignal>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace einhyrningsins;
using namespace einhyrningsins::os;
using namespace os_test;

namespace {

constexpr int of_masters[] = {SIGHUP,  SIGINT,  SIGUSR2, SIGTERM, SIGQUIT, SIGTTIN,
                              SIGTTOU, SIGUSR1, SIGCONT, SIGALRM, SIGCHLD};

} // namespace

BOOST_AUTO_TEST_SUITE(signals)

BOOST_AUTO_TEST_CASE(the_masters_signals_arrive_by_the_descriptor) {
    for (int number : of_masters)
        BOOST_TEST(in_child([&] {
                       block_all_signals();
                       auto fd = open_signal_fd();
                       if (!fd || !read_signals(fd->get()).empty()) return 99;
                       int sent = ::kill(::getpid(), number);
                       bool news = is_readable(fd->get());
                       std::vector<int> heard = read_signals(fd->get());
                       return first_failure({sent == 0, news, heard == std::vector{number},
                                             !is_readable(fd->get())});
                   }) == 0,
                   number);
}

/// A program that was executed by one that has blocked them does so again.
BOOST_AUTO_TEST_CASE(what_is_pending_already_is_kept) {
    auto block_only = [] {
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, nullptr);
    };
    for (auto block : {&block_all_signals, +block_only})
        for (int number : of_masters)
            BOOST_TEST(in_child([&] {
                           block();
                           ::kill(::getpid(), number);
                           block_all_signals();
                           auto fd = open_signal_fd();
                           if (!fd) return 99;
                           return first_failure({read_signals(fd->get()) == std::vector{number}});
                       }) == 0,
                       number);
}

BOOST_AUTO_TEST_CASE(a_master_that_starts_can_be_ended) {
    for (int number : of_masters) {
        bool ends = number == SIGINT || number == SIGTERM || number == SIGQUIT || number == SIGHUP;
        BOOST_TEST(in_child([&] {
                       block_all_but_ending_signals();
                       ::kill(::getpid(), number);
                       return 0;
                   }) == (ends ? -1 : 0),
                   number);
        BOOST_TEST(in_child([&] {
                       block_all_but_ending_signals();
                       block_all_signals();
                       ::kill(::getpid(), number);
                       return 0;
                   }) == 0,
                   number);
    }
}

BOOST_AUTO_TEST_CASE(several_signals_arrive_together) {
    BOOST_TEST(in_child([] {
                   block_all_signals();
                   auto fd = open_signal_fd();
                   if (!fd) return 99;
                   for (int number : {SIGTERM, SIGHUP, SIGHUP, SIGCHLD})
                       ::kill(::getpid(), number);
                   std::vector<int> heard = read_signals(fd->get());
                   std::ranges::sort(heard);
                   return first_failure({heard == std::vector{SIGHUP, SIGTERM, SIGCHLD}});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(a_broken_pipe_does_no_harm) {
    BOOST_TEST(in_child([] {
                   block_all_signals();
                   return ::kill(::getpid(), SIGPIPE);
               }) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(reap)

BOOST_AUTO_TEST_CASE(each_death_is_told_with_its_cause) {
    using enum core::exit_cause::kind_type;
    pid_t exits = ::fork();
    if (exits == 0) ::_exit(3);
    pid_t killed = ::fork();
    if (killed == 0) {
        ::kill(::getpid(), SIGKILL);
        ::_exit(99);
    }
    pid_t lives = ::fork();
    if (lives == 0) {
        ::pause();
        ::_exit(99);
    }
    siginfo_t ignored{};
    for (pid_t pid : {exits, killed})
        ::waitid(P_PID, static_cast<id_t>(pid), &ignored, WEXITED | WNOWAIT);
    auto dead = reap_children();
    std::ranges::sort(dead, {}, &reaped::pid);
    BOOST_REQUIRE(dead.size() == 2U);
    BOOST_TEST(dead[0].pid == exits);
    BOOST_TEST((dead[0].cause == core::exit_cause{exited, 3, false}));
    BOOST_TEST(dead[1].pid == killed);
    BOOST_TEST((dead[1].cause == core::exit_cause{signaled, SIGKILL, false}));
    BOOST_TEST(reap_children().empty()); // one lives on
    ::kill(lives, SIGKILL);
    exit_code_of(lives);
    BOOST_TEST(reap_children().empty()); // there is none
}

BOOST_AUTO_TEST_CASE(what_a_child_has_used_is_told) {
    constexpr std::size_t size = 64 * 1024 * 1024;
    pid_t child = ::fork();
    if (child == 0) {
        std::vector<char> memory(size, 'x');
        rusage now{};
        do
            ::getrusage(RUSAGE_SELF, &now);
        while (now.ru_utime.tv_sec == 0 && now.ru_utime.tv_usec < 30'000);
        ::_exit(memory[size / 2] == 'x' ? 0 : 1);
    }
    siginfo_t ignored{};
    ::waitid(P_PID, static_cast<id_t>(child), &ignored, WEXITED | WNOWAIT);
    auto dead = reap_children();
    BOOST_REQUIRE(dead.size() == 1U);
    BOOST_TEST(dead[0].used.peak_memory_bytes >= size);
    BOOST_TEST((dead[0].used.user_time >= std::chrono::milliseconds(30)));
}

BOOST_AUTO_TEST_SUITE_END()
