// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/own_process.hpp"
#include "os/unique_fd.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <new>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace einhyrningsins::os;
using namespace os_test;

BOOST_AUTO_TEST_SUITE(process)

BOOST_AUTO_TEST_CASE(the_title_is_shown_and_the_environment_survives) {
    ::setenv("OS_TEST_VARIABLE", "value", 1);
    BOOST_TEST(in_child([] {
                   auto& suite = boost::unit_test::framework::master_test_suite();
                   auto environment = take_environment(suite.argc, suite.argv);
                   set_process_title("einhyrningsins: web");
                   std::string shown = contents("/proc/self/cmdline").c_str();
                   std::string value = ::getenv("OS_TEST_VARIABLE");
                   return first_failure(
                       {shown == "einhyrningsins: web", value == "value",
                        std::ranges::count(environment, "OS_TEST_VARIABLE=value") == 1});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(a_title_that_is_too_long_is_cut) {
    BOOST_TEST(in_child([] {
                   auto& suite = boost::unit_test::framework::master_test_suite();
                   take_environment(suite.argc, suite.argv);
                   set_process_title(std::string(1 << 20, 'x'));
                   std::string shown = contents("/proc/self/cmdline");
                   return first_failure({shown.starts_with("xxxx"), ::getenv("PATH") != nullptr});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(closed_standard_descriptors_are_filled) {
    BOOST_TEST(in_child([] {
                   ::close(0);
                   ::close(2);
                   open_standard_descriptors();
                   return first_failure({target_of(0) == "/dev/null", target_of(1) != "/dev/null",
                                         target_of(2) == "/dev/null"});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(open_standard_descriptors_stay_as_they_are) {
    std::string before[] = {target_of(0), target_of(1), target_of(2)};
    int next = ::dup(0);
    ::close(next);
    open_standard_descriptors();
    BOOST_TEST(
        (before[0] == target_of(0) && before[1] == target_of(1) && before[2] == target_of(2)));
    int again = ::dup(0);
    BOOST_TEST(again == next); // nothing was left open
    ::close(again);
}

BOOST_AUTO_TEST_CASE(the_limit_of_descriptors_is_raised_and_remembered) {
    BOOST_TEST(in_child([] {
                   rlimit limit{}, now{};
                   ::getrlimit(RLIMIT_NOFILE, &limit);
                   limit.rlim_cur = limit.rlim_max;
                   ::setrlimit(RLIMIT_NOFILE, &limit);
                   raise_descriptor_limit();
                   if (original_descriptor_limit()) return 90; // there was nothing to raise
                   limit.rlim_cur = 100;
                   ::setrlimit(RLIMIT_NOFILE, &limit);
                   raise_descriptor_limit();
                   ::getrlimit(RLIMIT_NOFILE, &now);
                   const rlimit* original = original_descriptor_limit();
                   return first_failure(
                       {now.rlim_cur == limit.rlim_max, original && original->rlim_cur == 100});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(niceness_is_set_or_refused, *boost::unit_test::precondition(needs_root)) {
    BOOST_TEST(in_child([] {
                   int before = ::getpriority(PRIO_PROCESS, 0);
                   bool set = bool(set_niceness(before + 2));
                   return first_failure({set, ::getpriority(PRIO_PROCESS, 0) == before + 2});
               }) == 0);
    BOOST_TEST(in_child([] {
                   if (::setresuid(65534, 65534, 65534) != 0) return 98;
                   auto set = set_niceness(-20);
                   return first_failure({!set, set.has_error() && set.error().number == EACCES});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(the_working_directory_is_told_as_the_user_wrote_it) {
    scratch directory;
    std::string real = directory / "real", link = directory / "link";
    ::mkdir(real.c_str(), 0755);
    BOOST_REQUIRE(::symlink(real.c_str(), link.c_str()) == 0);
    BOOST_TEST(in_child([&] {
                   if (::chdir(link.c_str()) != 0) return 99;
                   return first_failure({logical_working_directory(link.c_str()) == link,
                                         logical_working_directory("/tmp") == real,
                                         logical_working_directory("relative") == real,
                                         logical_working_directory("") == real,
                                         logical_working_directory(nullptr) == real});
               }) == 0);
    BOOST_TEST(absolute_path("a/b", "/c") == "/c/a/b");
    BOOST_TEST(absolute_path("/a", "/c") == "/a");
    BOOST_TEST(absolute_path("./a", "/c") == "/c/a");
    BOOST_TEST(absolute_path(".//./a/./b", "/c") == "/c/a/./b");
    BOOST_TEST(absolute_path("../a", "/c") == "/c/../a");
    BOOST_TEST(absolute_path("./", "/c") == "/c/");
}

BOOST_AUTO_TEST_CASE(there_is_a_cpu) { BOOST_TEST(available_cpus() >= 1U); }

/// In a process of its own: that is how much memory there may be.
#ifndef __SANITIZE_ADDRESS__ // which needs the address space
BOOST_AUTO_TEST_CASE(memory_is_waited_for) {
    BOOST_TEST(in_child([] {
                   rlimit before{}, less{1 << 26, RLIM_INFINITY};
                   ::getrlimit(RLIMIT_AS, &before);
                   less.rlim_max = before.rlim_max;
                   ::setrlimit(RLIMIT_AS, &less);
                   auto take = [] {
                       char* volatile much = new char[1 << 28];
                       delete[] much;
                   };
                   bool thrown = false;
                   try {
                       take();
                   } catch (const std::bad_alloc&) {
                       thrown = true;
                   }
                   wait_for_memory(true);
                   // Somebody gives some back.
                   static rlimit enough = before;
                   std::signal(SIGALRM, [](int) { ::setrlimit(RLIMIT_AS, &enough); });
                   ::ualarm(120'000, 0);
                   take();
                   wait_for_memory(false);
                   return first_failure({thrown, std::get_new_handler() == nullptr});
               }) == 0);
}
#endif

BOOST_AUTO_TEST_SUITE_END()
