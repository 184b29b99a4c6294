// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/log_descriptor.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace einhyrningsins::os;
using namespace os_test;

namespace {

/// Writes until nothing more goes; the error is what stopped it.
ssize_t fill(const log_descriptor& log, std::size_t& total) {
    const std::string text(200'000, 'x'); // more than a pipe takes at once
    ssize_t written;
    while ((written = log.write_some(text)) > 0)
        total += static_cast<std::size_t>(written);
    return written;
}

/// Fills `write_end`, which is made standard error and shared with others, empties it by
/// `read_end`, and checks that nobody waited, nobody else was made non-blocking, and the news came.
int check_full(int read_end, int write_end) {
    ::dup2(write_end, STDERR_FILENO);
    log_descriptor log;
    std::size_t total = 0;
    ssize_t stopped = fill(log, total);
    auto watch = log.watch_writable();
    if (!watch) return 99;
    bool quiet_while_full = !is_readable(watch->get());
    char text[4096];
    std::size_t taken = 0;
    while (taken < total) {
        ssize_t size = ::read(read_end, text, sizeof text);
        if (size <= 0) return 98;
        taken += static_cast<std::size_t>(size);
    }
    return first_failure({total > 0, stopped == -EAGAIN, quiet_while_full,
                          !(::fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK),
                          is_readable(watch->get()), log.write_some("again") == 5,
                          !log.is_terminal()});
}

} // namespace

BOOST_AUTO_TEST_SUITE(log_descriptors)

BOOST_AUTO_TEST_CASE(a_full_pipe_does_not_block) {
    BOOST_TEST(in_child([] {
                   int both[2];
                   return ::pipe2(both, O_CLOEXEC) == 0 ? check_full(both[0], both[1]) : 97;
               }) == 0);
}

BOOST_AUTO_TEST_CASE(a_full_socket_does_not_block) {
    BOOST_TEST(in_child([] {
                   int both[2];
                   bool made = ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) == 0;
                   return made ? check_full(both[0], both[1]) : 97;
               }) == 0);
}

BOOST_AUTO_TEST_CASE(a_full_pipe_that_cannot_be_opened_again_does_not_block,
                     *boost::unit_test::precondition(needs_root)) {
    BOOST_TEST(in_child([] {
                   int both[2];
                   if (::pipe2(both, O_CLOEXEC) != 0 || ::fchmod(both[1], 0) != 0) return 97;
                   if (::setresuid(65534, 65534, 65534) != 0) return 96;
                   return check_full(both[0], both[1]);
               }) == 0);
}

BOOST_AUTO_TEST_CASE(a_broken_pipe_is_an_error_and_no_signal) {
    BOOST_TEST(in_child([] {
                   int both[2];
                   if (::pipe2(both, O_CLOEXEC) != 0) return 97;
                   ::dup2(both[1], STDERR_FILENO);
                   sigset_t blocked;
                   sigfillset(&blocked);
                   sigprocmask(SIG_BLOCK, &blocked, nullptr); // as in the master
                   log_descriptor log;
                   ::close(both[0]);
                   return first_failure({log.write_some("x") == -EPIPE});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(a_file_is_shared_with_the_workers) {
    scratch directory;
    std::string path = directory / "log";
    BOOST_TEST(in_child([&] {
                   int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
                   ::dup2(file, STDERR_FILENO);
                   log_descriptor log;
                   bool first = log.write_some("one ") == 4;
                   bool other = ::write(file, "two ", 4) == 4;
                   return first_failure({first, other, log.write_some("three") == 5});
               }) == 0);
    BOOST_TEST(contents(path) == "one two three");
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_an_error) {
    BOOST_TEST(in_child([] {
                   ::dup2(::open("/dev/full", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
                   return first_failure({log_descriptor().write_some("x") == -ENOSPC});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(a_closed_descriptor_is_an_error) {
    BOOST_TEST(in_child([] {
                   ::close(STDERR_FILENO);
                   return first_failure({log_descriptor().write_some("x") == -EBADF});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(a_terminal_that_nobody_reads_does_not_block) {
    BOOST_TEST(in_child([] {
                   int host = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
                   if (host < 0 || ::grantpt(host) != 0 || ::unlockpt(host) != 0) return 97;
                   ::dup2(::open(::ptsname(host), O_RDWR | O_NOCTTY | O_CLOEXEC), STDERR_FILENO);
                   log_descriptor log;
                   std::size_t total = 0;
                   ssize_t stopped = fill(log, total);
                   return first_failure({log.is_terminal(), total > 0, stopped == -EAGAIN,
                                         !(::fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK)});
               }) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
