// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/exec.hpp"
#include "os/signals.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <cstdio>
#include <string>

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace einhyrningsins::os;
using namespace os_test;

namespace {

struct pipe_ends {
    unique_fd read, write;
};

pipe_ends make_pipe(int flags) {
    int ends[2];
    BOOST_REQUIRE(::pipe2(ends, flags | O_CLOEXEC) == 0);
    return {unique_fd(ends[0]), unique_fd(ends[1])};
}

/// Whether another process sleeps, as it does while it waits for a pipe.
bool sleeps(pid_t pid) {
    std::string stat = contents("/proc/" + std::to_string(pid) + "/stat");
    return stat.substr(stat.rfind(')')).starts_with(") S");
}

/// Writes `text` byte by byte, each when the reader waits for it.
int write_when_awaited(int fd, const std::string& text, pid_t reader) {
    for (char c : text) {
        while (!sleeps(reader))
            ::sched_yield();
        if (::write(fd, &c, 1) != 1) return 1;
    }
    return 0;
}

/// Signals as /proc/PID/status has them.
std::string bits_of(int number) {
    char text[20];
    std::snprintf(text, sizeof text, "%016llx", 1ULL << (number - 1));
    return text;
}

/// Executes a program with a signal to this process pending. Returns only if that fails.
os_error execute_with(int pending, const std::string& program, const std::string& argument) {
    block_all_signals();
    ::kill(::getpid(), pending);
    return replace_program(program, {program, argument}, {}, "/", {});
}

} // namespace

BOOST_AUTO_TEST_SUITE(exec)

BOOST_AUTO_TEST_CASE(a_late_writer_is_waited_for) {
    for (int flags : {0, O_NONBLOCK}) {
        pipe_ends pipe = make_pipe(flags);
        pid_t reader = ::getpid(), writer = ::fork();
        if (writer == 0) ::_exit(write_when_awaited(pipe.write.get(), "late\n", reader));
        pipe.write.reset();
        auto text = read_to_end(pipe.read.get(), 100);
        BOOST_REQUIRE_MESSAGE(text, text.error().message());
        BOOST_TEST(*text == "late\n");
        BOOST_TEST(exit_code_of(writer) == 0);
    }
}

BOOST_AUTO_TEST_CASE(more_than_a_pipe_holds) {
    std::string much(1 << 20, 'x');
    pipe_ends pipe = make_pipe(O_NONBLOCK);
    ::fcntl(pipe.write.get(), F_SETFL, 0); // Ruby waits in its own way
    pid_t writer = ::fork();
    if (writer == 0) ::_exit(::write(pipe.write.get(), much.data(), much.size()) < 0);
    pipe.write.reset();
    auto text = read_to_end(pipe.read.get(), much.size());
    BOOST_REQUIRE_MESSAGE(text, text.error().message());
    BOOST_TEST((*text == much));
    BOOST_TEST(exit_code_of(writer) == 0);
}

BOOST_AUTO_TEST_CASE(more_than_is_wanted) {
    pipe_ends pipe = make_pipe(O_NONBLOCK);
    BOOST_REQUIRE(::write(pipe.write.get(), "12345", 5) == 5);
    pipe.write.reset();
    BOOST_TEST(read_to_end(pipe.read.get(), 4).error().message() == "more than 4 bytes");
}

BOOST_AUTO_TEST_CASE(who_has_read_a_file) {
    auto file = make_memory_file("a state");
    BOOST_REQUIRE(file);
    BOOST_TEST(!is_read_to_end(file->get()));
    auto child = [&](std::size_t size) {
        std::string into(size, ' ');
        pid_t pid = ::fork();
        if (pid == 0) ::_exit(::read(file->get(), into.data(), size) < 0);
        return exit_code_of(pid);
    };
    BOOST_TEST(child(3) == 0);
    BOOST_TEST(!is_read_to_end(file->get()));
    BOOST_TEST(child(100) == 0);
    BOOST_TEST(is_read_to_end(file->get()));
}

BOOST_AUTO_TEST_CASE(a_signal_that_arrives_before_the_exec_is_kept) {
    scratch directory;
    std::string file = directory / "report";
    for (int number : {SIGTERM, SIGHUP, SIGUSR1, SIGCONT, SIGCHLD}) {
        BOOST_TEST(in_child([&] { return execute_with(number, report_program(), file), 99; }) == 0);
        BOOST_TEST(contents(file).find("\npending " + bits_of(number) + "\n") != std::string::npos,
                   number);
        BOOST_TEST(in_child([&] {
                       execute_with(number, directory / "missing", file);
                       auto fd = open_signal_fd();
                       if (!fd) return 99;
                       return first_failure({read_signals(fd->get()) == std::vector{number}});
                   }) == 0,
                   number);
    }
}

BOOST_AUTO_TEST_CASE(a_file_without_a_name_where_there_may_be_none_in_memory) {
    BOOST_TEST(in_child([] {
                   refuse({SYS_memfd_create}, EPERM);
                   auto file = make_memory_file("a state");
                   struct stat facts {};
                   if (!file || ::fstat(file->get(), &facts) != 0) return 99;
                   auto text = read_to_end(file->get(), 100);
                   return first_failure({facts.st_nlink == 0, (facts.st_mode & 0777) == 0600,
                                         text && *text == "a state"});
               }) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
