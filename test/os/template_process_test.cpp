// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/low_numbers.hpp"
#include "os/own_process.hpp"
#include "os/pipe.hpp"
#include "os/template_process.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <filesystem>

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace einhyrningsins::os;
using namespace os_test;

namespace {

/// test/os/helpers/report.cpp as a shared object.
std::string report_object() {
    return std::filesystem::path(report_program()).replace_filename("libpreload_report.so");
}

spawn_recipe recipe(std::vector<std::string> arguments) {
    spawn_recipe made;
    made.program = "none: it is not executed";
    made.arguments = std::move(arguments);
    made.environment = {"LISTEN_PID=", "A=1", "EINHORN_CHILD_INDEX="};
    made.directory = std::move(*open_directory("/"));
    return made;
}

template_answer_type await(const template_process& from) {
    for (;;) {
        if (auto answer = from.hear()) return *answer;
        pollfd wanted{from.control(), POLLIN, 0};
        BOOST_REQUIRE(::poll(&wanted, 1, 20'000) == 1);
    }
}

template <class Answer>
Answer await_as(const template_process& from) {
    auto answer = await(from);
    auto* expected = std::get_if<Answer>(&answer);
    BOOST_REQUIRE_MESSAGE(expected, "another answer, number " << answer.index());
    return *expected;
}

/// Leaves no zombie.
struct reaped_template : template_process {
    explicit reaped_template(result<template_process> started)
        : template_process(std::move(*started)) {}
    reaped_template(reaped_template&&) = delete;
    ~reaped_template() {
        ::kill(pid(), SIGKILL);
        ::waitpid(pid(), nullptr, 0);
    }
};

reaped_template start(spawn_recipe worker, const std::string& object, bool socket_as_fd = false) {
    return reaped_template(template_process::start(std::move(worker), object, socket_as_fd));
}

struct loaded : reaped_template {
    explicit loaded(spawn_recipe worker, bool socket_as_fd = false)
        : reaped_template(
              template_process::start(std::move(worker), report_object(), socket_as_fd)) {
        await_as<template_answer::loaded>(*this);
    }
};

pid_t fork_worker(const template_process& from, unsigned index, int extra = -1) {
    BOOST_REQUIRE(from.ask(index, extra));
    return await_as<template_answer::forked>(from).pid;
}

/// How a child has ended: its exit code, or 1000 and the signal.
int end_of(pid_t pid) {
    int status = 0;
    BOOST_REQUIRE(::waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

bool has_line(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

constexpr int standard_input[] = {STDIN_FILENO};

/// A template process that is played by the test.
struct puppet {
    puppet() {
        int fds[2];
        BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
        theirs.reset(fds[1]);
        process.emplace(0, unique_fd(fds[0]));
    }
    void says(const std::string& text) const {
        BOOST_REQUIRE(send_template_message(theirs.get(), text, {}, 0));
    }

    unique_fd theirs;
    std::optional<template_process> process;
};

} // namespace

BOOST_AUTO_TEST_SUITE(template_processes)

BOOST_AUTO_TEST_CASE(workers_are_our_children_with_numbers_of_their_own) {
    scratch directory;
    std::string file = directory / "report";
    loaded one(recipe({"prog", file, "-x"}));
    for (unsigned index : {0U, 4294967295U}) {
        pid_t pid = fork_worker(one, index);
        BOOST_TEST(end_of(pid) == 0);
        std::string report = contents(file), number = std::to_string(pid);
        for (const std::string& line :
             {"pid " + number, "process-group " + number, "environment LISTEN_PID=" + number,
              "environment EINHORN_CHILD_INDEX=" + std::to_string(index),
              std::string("environment A=1"), std::string("argument0 prog"),
              std::string("argument2 -x"), std::string("directory /"),
              std::string("death-signal 0"), std::string("fd0 /dev/null"),
              std::string("blocked 0000000000000000"), std::string("ignored 0000000000000000")})
            BOOST_TEST(has_line(report, line), line << " is not in\n" << report);
        BOOST_TEST(report.find("\nfd3 ") == std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(descriptors_come_in_order_and_the_workers_own_is_the_last) {
    scratch directory;
    std::string file = directory / "report";
    int ends[2], own[2];
    BOOST_REQUIRE(::pipe(ends) == 0 && ::pipe(own) == 0);
    auto worker = recipe({"prog", file});
    worker.descriptors = {ends[1], ends[0]};
    loaded one(std::move(worker), true);
    BOOST_TEST(end_of(fork_worker(one, 0, own[1])) == 0);
    std::string report = contents(file);
    BOOST_TEST(has_line(report, "fd3 " + target_of(ends[1])));
    BOOST_TEST(has_line(report, "fd4 " + target_of(ends[0])));
    BOOST_TEST(has_line(report, "fd5 " + target_of(own[1])));
    BOOST_TEST(report.find("\nfd6 ") == std::string::npos);
    for (int fd : {ends[0], ends[1], own[0], own[1]})
        ::close(fd);
}

BOOST_AUTO_TEST_CASE(workers_can_die_with_us) {
    scratch directory;
    auto worker = recipe({"prog", directory / "report"});
    worker.die_with_parent = true;
    loaded one(std::move(worker));
    BOOST_TEST(end_of(fork_worker(one, 0)) == 0);
    BOOST_TEST(has_line(contents(directory / "report"), "death-signal " + std::to_string(SIGUSR2)));
}

/// Its user could type into our terminal otherwise.
BOOST_AUTO_TEST_CASE(a_worker_of_another_user_is_in_the_session_of_its_template,
                     *boost::unit_test::precondition(needs_root)) {
    scratch directory;
    BOOST_REQUIRE(::chmod(directory.path().c_str(), 0777) == 0);
    auto worker = recipe({"prog", directory / "report"});
    worker.identity = identity{.user = 61234, .group = 61234};
    loaded one(std::move(worker));
    BOOST_TEST(::getsid(one.pid()) == one.pid());
    pid_t pid = fork_worker(one, 0);
    BOOST_TEST(end_of(pid) == 0);
    std::string report = contents(directory / "report");
    BOOST_TEST(has_line(report, "session " + std::to_string(one.pid())), report);
    BOOST_TEST(has_line(report, "process-group " + std::to_string(pid)), report);
}

BOOST_AUTO_TEST_CASE(many_are_asked_for_at_once) {
    scratch directory;
    loaded one(recipe({"prog", directory / "report"}));
    for (unsigned index = 0; index < 16; ++index)
        BOOST_REQUIRE(one.ask(index, -1));
    for (int count = 0; count < 16; ++count)
        BOOST_TEST(end_of(await_as<template_answer::forked>(one).pid) == 0);
    BOOST_TEST(!one.hear().has_value());
}

BOOST_AUTO_TEST_CASE(a_worker_that_fails_says_so) {
    loaded one(recipe({"prog", "/nowhere/report"}));
    BOOST_TEST(end_of(fork_worker(one, 0)) == 1);
}

BOOST_AUTO_TEST_CASE(what_is_missing_is_told) {
    auto one = start(recipe({"prog"}), "missing.so");
    BOOST_TEST(await_as<template_answer::refused>(one).reason ==
               "./missing.so: cannot open shared object file: No such file or directory");
    await_as<template_answer::closed>(one);
    BOOST_TEST(end_of(one.pid()) == 1);
}

BOOST_AUTO_TEST_CASE(it_is_killed_when_nobody_has_it_any_more) {
    loaded one(recipe({"prog"}));
    { template_process last(one.pid(), unique_fd(::dup(one.control()))); }
    BOOST_TEST(end_of(one.pid()) == 1000 + SIGKILL);
}

BOOST_AUTO_TEST_CASE(it_goes_when_its_control_socket_is_closed) {
    loaded one(recipe({"prog"}));
    one.forget();
    BOOST_TEST(end_of(one.pid()) == 0);
}

BOOST_AUTO_TEST_CASE(workers_have_output_of_their_own) {
    scratch directory;
    std::string file = directory / "report";
    auto out = make_pipe(), err = make_pipe();
    auto is_there = [&](int fd, const pipe_ends& pipe) {
        auto target =
            std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(pipe.write.get()));
        return has_line(contents(file), "fd" + std::to_string(fd) + " " + target.string());
    };
    loaded plain(recipe({"prog", file})), with_socket(recipe({"prog", file}), true);
    for (const reaped_template* one :
         {static_cast<reaped_template*>(&plain), static_cast<reaped_template*>(&with_socket)}) {
        int socket = one == &plain ? -1 : STDIN_FILENO;
        BOOST_REQUIRE(one->ask(0, socket, {out->write.get(), err->write.get()}));
        BOOST_TEST(end_of(await_as<template_answer::forked>(*one).pid) == 0);
        BOOST_TEST(is_there(1, *out));
        BOOST_TEST(is_there(2, *err));
        BOOST_REQUIRE(one->ask(0, socket, {-1, out->write.get()}));
        BOOST_TEST(end_of(await_as<template_answer::forked>(*one).pid) == 0);
        BOOST_TEST(!is_there(1, *out));
        BOOST_TEST(is_there(2, *out));
    }
    BOOST_REQUIRE(send_template_message(plain.control(), "fork 1 x", standard_input, 0));
    BOOST_TEST(await_as<template_answer::fork_failed>(plain).error.number == EPROTO);
    BOOST_REQUIRE(send_template_message(plain.control(), "fork 1 oe", standard_input, 0));
    BOOST_TEST(await_as<template_answer::fork_failed>(plain).error.number == EMFILE);
}

BOOST_AUTO_TEST_CASE(another_one_can_take_over) {
    scratch directory;
    loaded one(recipe({"prog", directory / "report"}));
    template_process other(one.pid(), unique_fd(::dup(one.control())));
    BOOST_TEST(end_of(fork_worker(other, 0)) == 0);
}

BOOST_AUTO_TEST_CASE(it_survives_nonsense) {
    scratch directory;
    loaded one(recipe({"prog", directory / "report"}));
    for (const char* text : {"spoon", "fork", "fork ", "fork x", "fork -1", "fork 4294967296"}) {
        BOOST_REQUIRE(send_template_message(one.control(), text, {}, 0));
        BOOST_TEST(await_as<template_answer::fork_failed>(one).error.number == EPROTO);
    }
    BOOST_REQUIRE(
        send_template_message(one.control(), "fork 1", standard_input, 0)); // not asked for
    BOOST_TEST(await_as<template_answer::fork_failed>(one).error.number == EPROTO);
    BOOST_TEST(end_of(fork_worker(one, 0)) == 0);
}

BOOST_AUTO_TEST_CASE(too_many_descriptors_is_scarcity) {
    loaded one(recipe({"prog"}));
    rlimit none{3, 3};
    BOOST_REQUIRE(::prlimit(one.pid(), RLIMIT_NOFILE, &none, nullptr) == 0);
    BOOST_REQUIRE(one.ask(0, -1));
    auto error = await_as<template_answer::fork_failed>(one).error;
    BOOST_TEST(error.message() == "pipe: Too many open files");
    BOOST_TEST(is_scarcity(error.number));
}

BOOST_AUTO_TEST_CASE(what_makes_no_sense_is_recognised) {
    puppet one;
    for (const char* text : {"nonsense", "forked", "forked ", "forked x", "forked 0", "forked -5",
                             "forked 99999999999", "failed", "failed x y", " ", "\n"}) {
        one.says(text);
        await_as<template_answer::garbled>(*one.process);
    }
    one.says(std::string(template_message_limit + 100, 'x'));
    await_as<template_answer::garbled>(*one.process);
    BOOST_TEST(!one.process->hear().has_value());
    one.theirs.reset();
    await_as<template_answer::closed>(*one.process);
    BOOST_TEST(!one.process->ask(0, -1));
}

BOOST_AUTO_TEST_CASE(reasons_are_one_line) {
    puppet one;
    one.says("refused two\nlines\x1b[m");
    BOOST_TEST(await_as<template_answer::refused>(*one.process).reason == "two?lines?[m");
    one.says("failed 11 fork");
    auto error = await_as<template_answer::fork_failed>(*one.process).error;
    BOOST_TEST(error.what == "fork");
    BOOST_TEST(error.number == EAGAIN);
}

BOOST_AUTO_TEST_CASE(descriptors_that_come_along_are_not_installed) {
    scratch directory;
    locked_file mine(directory / "locked");
    puppet one;
    BOOST_TEST(in_child([&] {
                   int file = ::open((directory / "locked").c_str(), O_RDWR | O_CLOEXEC);
                   auto sent = send_template_message(one.theirs.get(), "loaded", {&file, 1}, 0);
                   return first_failure({sent.has_value()});
               }) == 0);
    std::size_t free = free_descriptors();
    await_as<template_answer::loaded>(*one.process);
    BOOST_TEST(free_descriptors() == free);
    BOOST_TEST(mine.is_locked());
}

BOOST_AUTO_TEST_SUITE_END()
