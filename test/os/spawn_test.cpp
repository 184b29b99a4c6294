// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/own_process.hpp"
#include "os/pipe.hpp"
#include "os/signals.hpp"
#include "os/spawn.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <filesystem>
#include <map>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace einhyrningsins::os;
using namespace os_test;

namespace {

/// What the helper has written: "environment" lines under the variable's name with a '$'.
std::map<std::string, std::string> read_report(const std::string& path) {
    std::map<std::string, std::string> values;
    std::string text = contents(path);
    for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
        std::string line = text.substr(at, end - at);
        std::size_t space = line.find(' ');
        std::string key = line.substr(0, space), value = line.substr(space + 1);
        if (key == "environment") {
            std::size_t equals = value.find('=');
            key = "$" + value.substr(0, equals);
            value = value.substr(equals + 1);
        }
        values[key] = value;
    }
    return values;
}

/// The pid of a child that has executed its program, however long that takes; or why it has not,
/// and then it is reaped.
result<pid_t> executed(result<birth> child) {
    if (!child) return child.error();
    pollfd known{child->report(), POLLIN, 0};
    if (known.fd >= 0) ::poll(&known, 1, -1);
    auto outcome = child->outcome();
    BOOST_REQUIRE(outcome.has_value());
    if (*outcome) return child->pid();
    exit_code_of(child->pid());
    return outcome->error();
}

struct fixture {
    scratch directory;
    std::string file = directory / "report";

    spawn_recipe recipe(std::string program = report_program()) {
        spawn_recipe made;
        made.program = program;
        made.arguments = {program, file};
        made.environment = {"LISTEN_PID=", "A=1", "EINHORN_CHILD_INDEX="};
        made.directory = std::move(*open_directory(directory.path()));
        return made;
    }

    result<pid_t> start(spawn_recipe recipe, unsigned index = 0, int extra = -1) {
        auto plan = spawn_plan::make(std::move(recipe));
        return executed(plan.spawn(index, extra));
    }

    std::map<std::string, std::string> run(spawn_recipe recipe, unsigned index = 0) {
        auto pid = start(std::move(recipe), index);
        BOOST_REQUIRE_MESSAGE(pid, pid.error().message());
        BOOST_TEST(exit_code_of(*pid) == 0);
        auto values = read_report(file);
        BOOST_TEST(values["pid"] == std::to_string(*pid));
        return values;
    }

    /// The number of descriptors above 2 in a report.
    static unsigned descriptors(const std::map<std::string, std::string>& report) {
        unsigned count = 0;
        for (const auto& [key, value] : report)
            if (key.starts_with("fd") && std::stoi(key.substr(2)) > 2) ++count;
        return count;
    }
};

/// Opens descriptors of different files as 3, 4, ... and nothing else among the low numbers.
void open_from_three(int count) {
    ::close_range(3, 63, 0);
    for (int i = 0; i < count; ++i)
        ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(spawn, fixture)

BOOST_AUTO_TEST_CASE(a_worker_knows_its_pid_index_and_environment) {
    auto report = run(recipe(), 4294967295);
    BOOST_TEST(report["$LISTEN_PID"] == report["pid"]);
    BOOST_TEST(report["$EINHORN_CHILD_INDEX"] == "4294967295");
    BOOST_TEST(report["$A"] == "1");
    BOOST_TEST(report["argument1"] == file);
}

BOOST_AUTO_TEST_CASE(a_worker_of_our_user_stays_in_our_session) {
    auto report = run(recipe());
    BOOST_TEST(report["session"] == std::to_string(::getsid(0)));
    BOOST_TEST(report["process-group"] == report["pid"]);
}

BOOST_AUTO_TEST_CASE(a_worker_of_another_user_leads_a_session,
                     *boost::unit_test::precondition(needs_root)) {
    BOOST_REQUIRE(::chmod(directory.path().c_str(), 0777) == 0);
    auto other = recipe();
    other.identity = identity{.user = 61234, .group = 61234};
    auto report = run(std::move(other));
    BOOST_TEST(report["session"] == report["pid"]);
    BOOST_TEST(report["process-group"] == report["pid"]);
}

BOOST_AUTO_TEST_CASE(each_worker_of_a_plan_has_numbers_of_its_own) {
    auto plan = spawn_plan::make(recipe());
    for (unsigned index : {100U, 7U}) {
        auto pid = executed(plan.spawn(index, -1));
        BOOST_REQUIRE(pid);
        BOOST_TEST(exit_code_of(*pid) == 0);
        auto report = read_report(file);
        BOOST_TEST(report["$LISTEN_PID"] == std::to_string(*pid));
        BOOST_TEST(report["$EINHORN_CHILD_INDEX"] == std::to_string(index));
    }
}

BOOST_AUTO_TEST_CASE(a_plan_tells_what_it_was_made_from) {
    unique_fd low(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    auto wish = recipe();
    wish.environment.push_back("B=2");
    auto environment = wish.environment;
    wish.descriptors = {low.get(), 3};
    auto plan = spawn_plan::make(std::move(wish));
    BOOST_TEST((plan.recipe().descriptors == std::vector<int>{low.get(), 3}),
               "as they were named, whatever numbers a start gives them");
    auto entries = plan.environment();
    BOOST_TEST_REQUIRE(entries.size() == environment.size());
    for (std::size_t i = 0; i < entries.size(); ++i)
        BOOST_TEST(entries[i].starts_with(environment[i].c_str()));
}

BOOST_AUTO_TEST_CASE(the_same_directory_is_opened_once) {
    auto one = open_directory("/"), same = open_directory("/"), other = open_directory("/proc");
    BOOST_REQUIRE((one && same && other));
    BOOST_TEST(*one == *same);
    BOOST_TEST(*one != *other);
    int fd = (*one)->get();
    BOOST_TEST(adopt_directory(fd) == *one);
    BOOST_TEST(adopt_directory(-1) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_directory_of_the_master_before_is_not_opened_again) {
    auto before = adopt_directory(::open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC));
    BOOST_TEST(*open_directory("/tmp") == before);
}

BOOST_AUTO_TEST_CASE(a_directory_that_a_link_leads_to_by_now_is_another) {
    ::mkdir((directory / "1").c_str(), 0755);
    ::mkdir((directory / "2").c_str(), 0755);
    std::string link = directory / "current";
    BOOST_REQUIRE(::symlink("1", link.c_str()) == 0);
    auto before = *open_directory(link);
    ::unlink(link.c_str());
    BOOST_REQUIRE(::symlink("2", link.c_str()) == 0);
    BOOST_TEST(*open_directory(link) != before);
}

BOOST_AUTO_TEST_CASE(an_entry_can_end_with_the_index) {
    auto wish = recipe();
    wish.indexed_entry = "WATCH=/x/";
    wish.environment.push_back(wish.indexed_entry);
    auto plan = spawn_plan::make(std::move(wish));
    for (unsigned index : {100U, 7U}) {
        auto pid = executed(plan.spawn(index, -1));
        BOOST_REQUIRE(pid);
        BOOST_TEST(exit_code_of(*pid) == 0);
        auto report = read_report(file);
        BOOST_TEST(report["$WATCH"] == "/x/" + std::to_string(index));
        BOOST_TEST(report["$EINHORN_CHILD_INDEX"] == std::to_string(index));
    }
}

BOOST_AUTO_TEST_CASE(a_worker_of_another_user_is_that_user_wholly,
                     *boost::unit_test::precondition(needs_root)) {
    BOOST_REQUIRE(::chmod(directory.path().c_str(), 0777) == 0);
    auto wish = recipe();
    wish.identity = identity{.user = 1234, .group = 5678, .groups = {90, 91}};
    wish.nice = -1; // which that user could not do himself
    wish.die_with_parent = true;
    auto report = run(std::move(wish));
    BOOST_TEST(report["users"] == "1234 1234 1234");
    BOOST_TEST(report["groups"] == "5678 5678 5678");
    BOOST_TEST(report["supplementary"] == "90 91");
    BOOST_TEST(report["nice"] == "-1");
    BOOST_TEST(report["death-signal"] == std::to_string(SIGUSR2));
    BOOST_TEST(::prctl(PR_GET_DUMPABLE) == 1); // this process is as it was
    BOOST_TEST(::geteuid() == 0U);
}

BOOST_AUTO_TEST_CASE(a_worker_of_another_user_has_no_groups_of_ours,
                     *boost::unit_test::precondition(needs_root)) {
    BOOST_REQUIRE(::chmod(directory.path().c_str(), 0777) == 0);
    auto wish = recipe();
    wish.identity = identity{.user = 1234, .group = 5678, .groups = {}};
    // The key has nothing behind it: the line of the report ends there.
    run(std::move(wish));
    BOOST_TEST(contents(file).find("supplementary\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(who_may_not_become_another_hears_the_stage,
                     *boost::unit_test::precondition(needs_root)) {
    int failed = in_child([&] {
        auto wish = recipe("/bin/true");
        wish.directory = std::move(*open_directory("/"));
        if (::setgid(1234) != 0 || ::setuid(1234) != 0) return 100;
        wish.identity = identity{.user = 0, .group = 0, .groups = {}};
        auto pid = start(std::move(wish));
        return first_failure({!pid, !pid && pid.error().what == "supplementary groups",
                              !pid && pid.error().number == EPERM});
    });
    BOOST_TEST(failed == 0);
}

BOOST_AUTO_TEST_CASE(a_variable_that_nobody_reserved_is_not_set) {
    auto wish = recipe();
    wish.environment = {"B=2"};
    auto report = run(std::move(wish));
    BOOST_TEST(!report.contains("$LISTEN_PID"));
    BOOST_TEST(!report.contains("$EINHORN_CHILD_INDEX"));
    BOOST_TEST(report["$B"] == "2");
}

BOOST_AUTO_TEST_CASE(a_worker_leads_its_group_and_reads_nothing) {
    auto report = run(recipe());
    BOOST_TEST(report["process-group"] == report["pid"]);
    BOOST_TEST(report["fd0"] == "/dev/null");
    BOOST_TEST(report["death-signal"] == "0");
    BOOST_TEST(descriptors(report) == 0U);
}

BOOST_AUTO_TEST_CASE(the_directory_is_the_plans_and_survives_a_rename) {
    std::string before = directory / "before", after = directory / "after";
    ::mkdir(before.c_str(), 0755);
    auto wish = recipe();
    wish.directory = std::move(*open_directory(before));
    ::rename(before.c_str(), after.c_str());
    BOOST_TEST(run(std::move(wish))["directory"] == after);
}

BOOST_AUTO_TEST_CASE(output_goes_where_it_is_told) {
    auto plan = spawn_plan::make(recipe());
    auto one = make_pipe(), other = make_pipe();
    std::string ours = std::filesystem::read_symlink("/proc/self/fd/1");
    for (output_descriptors output :
         {output_descriptors{one->write.get(), other->write.get()},
          output_descriptors{one->write.get(), one->write.get()}, output_descriptors{}}) {
        auto pid = executed(plan.spawn(0, -1, output));
        BOOST_REQUIRE(pid);
        BOOST_TEST(exit_code_of(*pid) == 0);
        auto report = read_report(file);
        auto target = [](int fd) {
            return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd)).string();
        };
        BOOST_TEST(report["fd1"] == (output.out < 0 ? ours : target(output.out)));
        if (output.err >= 0) BOOST_TEST(report["fd2"] == target(output.err));
        BOOST_TEST(descriptors(report) == 0U);
    }
}

BOOST_AUTO_TEST_CASE(niceness_is_the_workers_alone) {
    int ours = ::getpriority(PRIO_PROCESS, 0);
    auto wish = recipe();
    wish.nice = ours + 3;
    BOOST_TEST(run(std::move(wish))["nice"] == std::to_string(ours + 3));
    BOOST_TEST(::getpriority(PRIO_PROCESS, 0) == ours);
}

BOOST_AUTO_TEST_CASE(signals_are_neither_blocked_nor_ignored) {
    for (bool is_other : {false, true}) {
        if (is_other && !is_root()) continue;
        BOOST_TEST(in_child([&] {
                       std::signal(SIGHUP, SIG_IGN);
                       std::signal(SIGPIPE, SIG_IGN);
                       block_all_signals();
                       auto wish = recipe();
                       if (is_other) wish.identity = identity{0, 0, {}};
                       auto pid = start(std::move(wish));
                       return pid ? exit_code_of(*pid) : 99;
                   }) == 0);
        auto report = read_report(file);
        BOOST_TEST(report["blocked"] == "0000000000000000");
        BOOST_TEST(report["ignored"] == "0000000000000000");
    }
}

BOOST_AUTO_TEST_CASE(the_raised_limit_of_descriptors_is_given_back) {
    BOOST_TEST(in_child([&] {
                   rlimit limit{};
                   ::getrlimit(RLIMIT_NOFILE, &limit);
                   limit.rlim_cur = 200;
                   ::setrlimit(RLIMIT_NOFILE, &limit);
                   raise_descriptor_limit();
                   rlimit raised{};
                   ::getrlimit(RLIMIT_NOFILE, &raised);
                   if (raised.rlim_cur != limit.rlim_max) return 98;
                   auto pid = start(recipe());
                   return pid ? exit_code_of(*pid) : 99;
               }) == 0);
    BOOST_TEST(read_report(file)["files"] == "200");
}

BOOST_AUTO_TEST_CASE(descriptors_come_in_order_wherever_they_were) {
    // Every order of three sources that are themselves targets, and one that is none.
    std::vector<int> order{3, 4, 5, 9};
    do {
        int failed = in_child([&] {
            open_from_three(10);
            auto wish = recipe();
            wish.descriptors = order;
            std::vector<std::string> expected;
            for (int fd : order)
                expected.push_back(target_of(fd));
            auto pid = start(std::move(wish), 0, 6);
            if (!pid || exit_code_of(*pid) != 0) return 99;
            auto report = read_report(file);
            return first_failure({descriptors(report) == 5, report["fd3"] == expected[0],
                                  report["fd4"] == expected[1], report["fd5"] == expected[2],
                                  report["fd6"] == expected[3], report["fd7"] == target_of(6)});
        });
        BOOST_TEST(failed == 0);
    } while (std::next_permutation(order.begin(), order.end()));
}

BOOST_AUTO_TEST_CASE(one_descriptor_may_be_given_twice) {
    BOOST_TEST(in_child([&] {
                   open_from_three(2);
                   auto wish = recipe();
                   wish.descriptors = {4, 4, 3};
                   auto pid = start(std::move(wish));
                   if (!pid || exit_code_of(*pid) != 0) return 99;
                   auto report = read_report(file);
                   return first_failure({report["fd3"] == target_of(4),
                                         report["fd4"] == target_of(4),
                                         report["fd5"] == target_of(3)});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(descriptors_may_have_high_numbers) {
    BOOST_TEST(in_child([&] {
                   open_from_three(2);
                   for (int fd : {100, 70, 200})
                       if (::dup2(fd == 70 ? 3 : 4, fd) != fd) return 98;
                   auto wish = recipe();
                   wish.descriptors = {200, 70, 4};
                   auto pid = start(std::move(wish), 0, 100);
                   if (!pid || exit_code_of(*pid) != 0) return 99;
                   auto report = read_report(file);
                   return first_failure({descriptors(report) == 4, report["fd3"] == target_of(4),
                                         report["fd4"] == target_of(3),
                                         report["fd5"] == target_of(4),
                                         report["fd6"] == target_of(4)});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(nothing_leaks_even_without_close_on_exec) {
    BOOST_TEST(in_child([&] {
                   for (int fd : {20, 150})
                       ::dup2(1, fd);
                   auto pid = start(recipe());
                   return pid ? exit_code_of(*pid) : 99;
               }) == 0);
    BOOST_TEST(descriptors(read_report(file)) == 0U);
}

BOOST_AUTO_TEST_CASE(nothing_leaks_where_close_range_is_missing_or_forbidden) {
    for (int error : {ENOSYS, EINVAL, EPERM})
        for (bool apart : {false, true})
            BOOST_TEST(in_child([&] {
                           refuse({SYS_close_range}, error);
                           for (int fd : {20, 150})
                               ::dup2(1, fd);
                           open_from_three(3);
                           auto wish = recipe();
                           wish.descriptors = {5, 3};
                           if (apart && is_root()) wish.identity = identity{0, 0, {}};
                           auto pid = start(std::move(wish), 0, 4);
                           if (!pid || exit_code_of(*pid) != 0) return 99;
                           auto report = read_report(file);
                           return first_failure(
                               {descriptors(report) == 3, report["fd3"] == target_of(5),
                                report["fd5"] == target_of(4), target_of(20) == target_of(150)});
                       }) == 0);
}

BOOST_AUTO_TEST_CASE(standard_input_is_there_though_ours_was_closed) {
    BOOST_TEST(in_child([&] {
                   ::close(0);
                   auto pid = start(recipe());
                   return pid ? exit_code_of(*pid) : 99;
               }) == 0);
    BOOST_TEST(read_report(file)["fd0"] == "/dev/null");
}

BOOST_AUTO_TEST_CASE(a_worker_can_die_with_its_parent) {
    auto wish = recipe();
    wish.die_with_parent = true;
    BOOST_TEST(run(std::move(wish))["death-signal"] == std::to_string(SIGUSR2));
}

BOOST_AUTO_TEST_CASE(a_missing_program_is_an_error_of_exec) {
    auto pid = start(recipe("./missing"));
    BOOST_REQUIRE(!pid);
    BOOST_TEST(pid.error().message() == "exec ./missing: No such file or directory");
    BOOST_TEST(::waitpid(-1, nullptr, WNOHANG) == -1); // no zombie
}

BOOST_AUTO_TEST_CASE(a_program_without_the_right_is_an_error_of_exec) {
    write_file(directory / "plain", "#!/bin/sh\n", 0644);
    auto pid = start(recipe("./plain"));
    BOOST_REQUIRE(!pid);
    BOOST_TEST(pid.error().message() == "exec ./plain: Permission denied");
}

BOOST_AUTO_TEST_CASE(a_missing_interpreter_is_told_from_a_missing_program) {
    write_file(directory / "script", "#!/nowhere/sh\n", 0755);
    auto pid = start(recipe("./script"));
    BOOST_REQUIRE(!pid);
    BOOST_TEST(pid.error().message() ==
               "exec ./script: its interpreter: No such file or directory");
}

BOOST_AUTO_TEST_CASE(a_script_without_first_line_is_run_by_the_shell) {
    write_file(directory / "script", "echo \"$0 $1 $LISTEN_PID $$\" > \"$1\"\n", 0755);
    auto pid = start(recipe("./script"));
    BOOST_REQUIRE_MESSAGE(pid, pid.error().message());
    BOOST_TEST(exit_code_of(*pid) == 0);
    std::string number = std::to_string(*pid);
    BOOST_TEST(contents(file) == "./script " + file + " " + number + " " + number + "\n");
}

BOOST_AUTO_TEST_CASE(a_directory_that_is_gone_is_an_error_unless_it_is_still_open) {
    std::string gone = directory / "gone";
    BOOST_TEST(open_directory(gone).error().message() ==
               "working directory " + gone + ": No such file or directory");
    write_file(directory / "file", "");
    BOOST_TEST(open_directory(directory / "file").error().number == ENOTDIR);
}

BOOST_AUTO_TEST_CASE(a_directory_that_may_not_be_entered_names_the_stage,
                     *boost::unit_test::precondition(needs_root)) {
    std::string closed = directory / "closed";
    ::mkdir(closed.c_str(), 0);
    auto wish = recipe();
    wish.directory = std::move(*open_directory(closed));
    auto plan = spawn_plan::make(std::move(wish));
    BOOST_TEST(in_child([&] {
                   if (::setresuid(65534, 65534, 65534) != 0) return 98;
                   auto pid = executed(plan.spawn(0, -1));
                   if (pid) return 99;
                   return first_failure(
                       {pid.error().message() == "working directory: Permission denied"});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(too_many_processes_is_scarcity, *boost::unit_test::precondition(needs_root)) {
    BOOST_TEST(in_child([&] {
                   rlimit none{0, 0};
                   auto plan = spawn_plan::make(recipe("/bin/true"));
                   ::setrlimit(RLIMIT_NPROC, &none);
                   if (::setresuid(65534, 65534, 65534) != 0) return 98;
                   auto pid = executed(plan.spawn(0, -1));
                   if (pid) return 99;
                   return first_failure({pid.error().what == "fork", pid.error().number == EAGAIN,
                                         is_scarcity(pid.error().number)});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(too_many_descriptors_is_scarcity) {
    BOOST_TEST(in_child([&] {
                   open_from_three(5);
                   auto wish = recipe();
                   wish.descriptors = {3, 4, 5};
                   rlimit few{9, 9};
                   ::setrlimit(RLIMIT_NOFILE, &few);
                   auto pid = start(std::move(wish));
                   return first_failure({!pid, pid.has_error() && pid.error().number == EMFILE});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(a_plan_can_be_moved) {
    auto plan = spawn_plan::make(recipe("/bin/true"));
    spawn_plan moved = std::move(plan);
    plan = spawn_plan::make(recipe("/bin/false"));
    auto pid = executed(moved.spawn(0, -1));
    BOOST_REQUIRE(pid);
    BOOST_TEST(exit_code_of(*pid) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(find)

BOOST_AUTO_TEST_CASE(a_program_is_found_where_the_newer_question_is_forbidden) {
    for (int error : {ENOSYS, EPERM})
        BOOST_TEST(in_child([&] {
                       refuse({SYS_faccessat2}, error);
                       auto none = find_program("/etc/passwd", "", AT_FDCWD);
                       return first_failure({find_program("/bin/sh", "", AT_FDCWD).has_value(),
                                             find_program("sh", "/bin", AT_FDCWD).has_value(),
                                             !none, !none && none.error().number == EACCES});
                   }) == 0);
}

BOOST_AUTO_TEST_CASE(a_program_is_found_as_execvp_does) {
    scratch directory;
    ::mkdir((directory / "bin").c_str(), 0755);
    ::mkdir((directory / "bin2").c_str(), 0755);
    ::mkdir((directory / "bin/dir").c_str(), 0755);
    write_file(directory / "bin/app", "", 0644);
    write_file(directory / "bin2/app", "", 0755);
    write_file(directory / "here", "", 0755);
    working_directory at = *open_directory(directory.path());
    std::string bin = directory / "bin", bin2 = directory / "bin2";

    BOOST_TEST(*find_program("app", bin + ":" + bin2, at->get()) == bin2 + "/app");
    BOOST_TEST(*find_program("here", bin + "::" + bin2, at->get()) == "./here");
    BOOST_TEST(*find_program("./here", bin, at->get()) == "./here");
    BOOST_TEST(find_program("app", bin, at->get()).error().message() == "app: Permission denied");
    BOOST_TEST(find_program("nope", bin, at->get()).error().message() ==
               "nope: no such program in PATH");
    BOOST_TEST(find_program("bin/app", "", at->get()).error().number == EACCES);
    BOOST_TEST(find_program("bin/dir", "", at->get()).error().number == EISDIR);
    BOOST_TEST(find_program("bin/nope", "", at->get()).error().number == ENOENT);
    BOOST_TEST(find_program("", bin, at->get()).error().message() == ": no such program in PATH");
}

BOOST_AUTO_TEST_SUITE_END()
