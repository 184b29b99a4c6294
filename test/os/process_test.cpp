// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/own_process.hpp"
#include "os/process.hpp"
#include "os/reap.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <csignal>
#include <functional>
#include <vector>

#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace einhyrningsins::os;
using namespace os_test;

namespace {

/// A child that waits for signals, in a process group of its own.
pid_t start_waiting() {
    pid_t pid = ::fork();
    if (pid == 0) {
        ::setpgid(0, 0);
        for (;;)
            ::pause();
    }
    ::setpgid(pid, pid);
    return pid;
}

/// A child that has ended and was not reaped.
pid_t start_ended() {
    pid_t pid = ::fork();
    if (pid == 0) ::_exit(0);
    siginfo_t ignored{};
    ::waitid(P_PID, static_cast<id_t>(pid), &ignored, WEXITED | WNOWAIT);
    return pid;
}

/// The leader of a process group, which has been reaped, and two that it has left there.
pid_t leave_two_behind() {
    pid_t leader = ::fork();
    if (leader == 0) {
        ::setpgid(0, 0);
        for (int n = 0; n < 2; ++n)
            if (::fork() == 0)
                for (;;)
                    ::pause();
        ::_exit(0);
    }
    exit_code_of(leader);
    return leader;
}

int ended_by(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

int number_of(const result<void>& sent) { return sent ? 0 : sent.error().number; }

} // namespace

BOOST_AUTO_TEST_SUITE(signalled)

BOOST_AUTO_TEST_CASE(a_child_is_until_it_is_reaped) {
    pid_t lives = start_waiting(), ended = start_ended();
    BOOST_TEST((process(lives).is_own_child() && process(ended).is_own_child()));
    BOOST_TEST(number_of(process(ended).signal(SIGTERM)) == 0);
    BOOST_TEST(number_of(process(lives).signal(SIGTERM)) == 0);
    BOOST_TEST(ended_by(lives) == SIGTERM);
    exit_code_of(ended);
    for (pid_t pid : {lives, ended}) {
        BOOST_TEST(!process(pid).is_own_child());
        BOOST_TEST(number_of(process(pid).signal(SIGTERM)) == ESRCH);
        BOOST_TEST(number_of(process(pid).signal_group(SIGTERM)) == ESRCH);
    }
}

/// In a process of its own, and a group of its own: there it would show.
BOOST_AUTO_TEST_CASE(nobody_else_ever_is) {
    BOOST_TEST(in_child([] {
                   ::setpgid(0, 0);
                   for (pid_t pid : {0, -1, 1, ::getpid(), -::getpid(), ::getppid()})
                       for (auto sent :
                            {process(pid).signal(SIGTERM), process(pid).signal_group(SIGTERM),
                             orphaned_group(pid).signal(SIGTERM)})
                           if (number_of(sent) != ESRCH) return 1;
                   return number_of(process().signal(SIGTERM)) == ESRCH ? 0 : 2;
               }) == 0);
}

BOOST_AUTO_TEST_CASE(a_group_is_with_its_leader_wherever_that_is) {
    pid_t leader = start_waiting(), follower = ::fork();
    if (follower == 0)
        for (;;)
            ::pause();
    BOOST_REQUIRE(::setpgid(follower, leader) == 0);
    BOOST_TEST(number_of(process(leader).signal_group(SIGTERM)) == 0);
    BOOST_TEST(ended_by(leader) == SIGTERM);
    BOOST_TEST(ended_by(follower) == SIGTERM);

    leader = start_waiting();
    BOOST_REQUIRE(::setpgid(leader, ::getpgrp()) == 0);
    BOOST_TEST(number_of(process(leader).signal_group(SIGTERM)) == 0);
    BOOST_TEST(ended_by(leader) == SIGTERM);
}

BOOST_AUTO_TEST_CASE(a_process_can_signal_itself) {
    BOOST_TEST(in_child([] {
                   signal_self(SIGKILL);
                   return 0;
               }) == -1);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(left_behind)

BOOST_AUTO_TEST_CASE(orphans_are_found_by_the_group_of_their_leader) {
    BOOST_TEST(in_child([] {
                   if (!adopt_orphans()) return 99;
                   pid_t leader = leave_two_behind();
                   orphaned_group left(leader);
                   bool there = left.exists();
                   std::size_t count = find_running({leader})[leader].count;
                   int sent = number_of(left.signal(SIGTERM));
                   int by[] = {ended_by(-leader), ended_by(-leader)};
                   return first_failure({there, count == 2, sent == 0, by[0] == SIGTERM,
                                         by[1] == SIGTERM, !left.exists(),
                                         find_running({leader}).empty(),
                                         number_of(left.signal(SIGTERM)) == ESRCH});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(the_dead_do_not_count) {
    BOOST_TEST(
        in_child([] {
            if (!adopt_orphans()) return 99;
            pid_t leader = leave_two_behind();
            orphaned_group left(leader);
            left.signal(SIGKILL);
            siginfo_t ignored{};
            ::waitid(P_PGID, static_cast<id_t>(leader), &ignored, WEXITED | WNOWAIT);
            while (!find_running({leader}).empty())
                ::usleep(1000);
            return first_failure({left.exists(), reap_children().size() == 2, !left.exists()});
        }) == 0);
}

BOOST_AUTO_TEST_CASE(a_group_without_a_child_of_ours_is_somebody_elses) {
    BOOST_TEST(in_child([] {
                   pid_t elsewhere = ::fork(); // whose orphans do not come to us
                   if (elsewhere == 0) {
                       adopt_orphans();
                       pid_t leader = leave_two_behind();
                       ::setpgid(0, leader);
                       ::kill(::getpid(), SIGSTOP);
                       ::kill(-leader, SIGKILL);
                   }
                   int status = 0;
                   ::waitpid(elsewhere, &status, WUNTRACED);
                   orphaned_group others(::getpgid(elsewhere));
                   ::setpgid(elsewhere, elsewhere);
                   bool exists = others.exists();
                   ::kill(elsewhere, SIGCONT);
                   exit_code_of(elsewhere);
                   return exists;
               }) == 0);
}

/// Nobody can be given the number of a group that somebody is in; but when it is empty somebody
/// can, who may lead a group again.
BOOST_AUTO_TEST_CASE(a_leader_that_has_come_again_is_somebody_else,
                     *boost::unit_test::precondition(needs_root)) {
    BOOST_TEST(in_child([] {
                   if (!adopt_orphans()) return 99;
                   pid_t leader = leave_two_behind();
                   auto start_again = [&] {
                       clone_args how{};
                       how.exit_signal = SIGCHLD;
                       how.set_tid = reinterpret_cast<std::uintptr_t>(&leader);
                       how.set_tid_size = 1;
                       auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &how, sizeof how));
                       if (pid == 0) {
                           ::setpgid(0, 0);
                           for (;;)
                               ::pause();
                       }
                       return pid;
                   };
                   if (start_again() != -1 || errno != EEXIST) return 98;
                   ::kill(-leader, SIGKILL);
                   for (int n = 0; n < 2; ++n)
                       ended_by(-leader);
                   if (start_again() != leader) return 97;
                   ::setpgid(leader, leader);
                   bool exists = orphaned_group(leader).exists();
                   ::kill(leader, SIGKILL);
                   return static_cast<int>(exists);
               }) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_CASE(memory_is_that_of_a_live_process) {
    BOOST_TEST(memory_bytes(::getpid()) > 100'000U);
    pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    exit_code_of(child);
    BOOST_TEST(memory_bytes(child) == 0U);
}
