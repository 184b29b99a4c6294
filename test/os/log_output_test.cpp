// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/pipe.hpp"
#include "output/log_output.hpp"
#include "run_until.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace einhyrningsins;
using namespace einhyrningsins::output;
using namespace os_test;
using namespace std::chrono_literals;

namespace {

/// Another standard error for the time of a test.
class replaced_stderr {
  public:
    explicit replaced_stderr(int fd) : before_(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)) {
        ::dup2(fd, STDERR_FILENO);
    }
    ~replaced_stderr() { ::dup2(before_.get(), STDERR_FILENO); }

  private:
    os::unique_fd before_;
};

/// While it exists, files cannot grow beyond a size: the write that would exceed it is cut, and the
/// next one fails, as on a full disk. Threads of helpers block SIGXFSZ.
class small_disk {
  public:
    explicit small_disk(rlim_t size) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        set(size);
    }
    void grow() { set(before_.rlim_cur); }
    ~small_disk() { grow(); }

  private:
    void set(rlim_t size) {
        rlimit now{size, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &now);
    }
    rlimit before_{};
};

struct fixture {
    scratch directory;
    std::string path = directory / "stderr";
    os::unique_fd file{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
    std::size_t told = 0;
    boost::asio::io_context context{1};

    std::unique_ptr<log_output> make() {
        auto made = std::make_unique<log_output>(context);
        made->on_recovery([this](std::size_t lost) { told += lost; });
        return made;
    }
    template <class Predicate>
    bool run_until(Predicate holds) {
        return os_test::run_until(context, holds);
    }
};

std::string line(int number, std::size_t size = 50) {
    std::string text = "line " + std::to_string(number) + " ";
    return text + std::string(size - text.size() - 1, 'x') + "\n";
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(log_outputs, fixture)

BOOST_AUTO_TEST_CASE(a_file_gets_every_line) {
    replaced_stderr as(file.get());
    auto log = make();
    std::string all;
    for (int n = 0; n < 100; ++n) {
        log->write(line(n));
        all += line(n);
    }
    BOOST_TEST(run_until([&] { return contents(path) == all; }));
    BOOST_TEST(run_until([&] { return log->unwritten().empty(); }));
}

BOOST_AUTO_TEST_CASE(a_line_that_the_disk_had_half_room_for_is_continued) {
    replaced_stderr as(file.get());
    small_disk disk(125);
    auto log = make();
    std::string all;
    for (int n = 0; n < 5; ++n) {
        log->write(line(n));
        all += line(n);
    }
    BOOST_TEST(run_until([&] { return contents(path).size() == 125U; }));
    disk.grow();
    BOOST_TEST(run_until([&] { return contents(path) == all; }));
    BOOST_TEST(told == 0U);
}

BOOST_AUTO_TEST_CASE(lines_for_which_there_was_no_room_are_counted) {
    replaced_stderr as(file.get());
    small_disk disk(125);
    auto log = make();
    for (int n = 0; n < 50'000; ++n) // more than is kept
        log->write(line(n));
    BOOST_TEST(log->dropped() > 1000U);
    BOOST_TEST(run_until([&] { return contents(path).size() == 125U; }));
    log->tell_dropped();
    BOOST_TEST(told == 0U);
    disk.grow();
    BOOST_TEST(run_until([&] { return told > 0; }));
    std::string text = contents(path);
    BOOST_TEST(text.size() == (50'000 - told) * 50);
    for (int n = 0; n * 50U < text.size(); ++n)
        BOOST_REQUIRE_EQUAL(text.substr(std::size_t(n) * 50, 50), line(n));
}

BOOST_AUTO_TEST_CASE(another_master_continues_a_line_that_was_begun) {
    replaced_stderr as(file.get());
    small_disk disk(125);
    auto log = make();
    for (int n = 0; n < 3; ++n)
        log->write(line(n));
    BOOST_TEST(run_until([&] { return contents(path).size() == 125U; }));
    bool settled = false;
    log->settle(20s, [&](const os::result<void>& done) { settled = done.has_value(); });
    BOOST_TEST(run_until([&] { return settled; }));
    log->write(line(3));
    std::string rest = log->unwritten();
    log = make();
    log->note_dropped(7);
    log->continue_with(rest);
    disk.grow();
    BOOST_TEST(run_until([&] { return told == 7U; }));
    BOOST_TEST(contents(path) == line(0) + line(1) + line(2) + line(3));
}

BOOST_AUTO_TEST_CASE(what_was_logged_before_a_reload_is_written_before_it) {
    replaced_stderr as(file.get());
    auto log = make();
    log->write(line(0));
    log->write(line(1)); // while the first is written
    bool settled = false;
    log->settle(20s, [&](const os::result<void>& done) { settled = done.has_value(); });
    BOOST_TEST(run_until([&] { return settled; }));
    BOOST_TEST(log->unwritten() == "");
    BOOST_TEST(contents(path) == line(0) + line(1));
}

BOOST_AUTO_TEST_CASE(no_line_is_written_twice_because_a_thread_cannot_be_started) {
    BOOST_TEST(in_child([&] {
                   ::dup2(file.get(), STDERR_FILENO);
                   if (::setuid(65534) != 0 && is_root()) return 100;
                   rlimit none{0, 0};
                   ::setrlimit(RLIMIT_NPROC, &none);
                   boost::asio::io_context own{1};
                   log_output log(own);
                   os::background::on_shortage([&](const os::os_error&) { log.write(line(1)); });
                   log.write(line(0));
                   bool done = os_test::run_until(own, [&] { return log.unwritten().empty(); });
                   return first_failure({done});
               }) == 0);
    BOOST_TEST(contents(path) == line(0) + line(1));
}

/// What is being written counts as well, and the next master keeps as much, however often there is
/// another one.
BOOST_AUTO_TEST_CASE(reloads_on_a_full_disk_lose_nothing_of_what_is_kept) {
    replaced_stderr as(file.get());
    small_disk disk(125);
    auto log = make();
    int lines = 0;
    for (int reload = 0; reload < 3; ++reload) {
        for (int n = 0; n < 30'000; ++n) // more than is kept
            log->write(line(lines++));
        BOOST_TEST(run_until([&] { return contents(path).size() == 125U; }));
        bool settled = false;
        log->settle(20s, [&](const os::result<void>& done) { settled = done.has_value(); });
        BOOST_TEST(run_until([&] { return settled; }));
        std::string rest = log->unwritten();
        BOOST_TEST(rest.size() <= 1024U * 1024);
        BOOST_TEST(rest.size() > 1024U * 1024 - 200);
        std::size_t dropped = log->dropped();
        log = make();
        log->note_dropped(dropped);
        log->continue_with(rest);
    }
    disk.grow();
    BOOST_TEST(run_until([&] { return told > 0; }));
    std::string text = contents(path);
    BOOST_TEST(text.size() == (std::size_t(lines) - told) * 50);
    int last = -1;
    for (std::size_t at = 0; at < text.size(); at += 50) {
        int number = std::stoi(text.substr(at + 5));
        BOOST_REQUIRE_EQUAL(text.substr(at, 50), line(number));
        BOOST_REQUIRE(number > last);
        last = number;
    }
}

BOOST_AUTO_TEST_CASE(a_file_that_stays_unwritable_is_tried_less_and_less_often) {
    replaced_stderr as(file.get());
    small_disk disk(125);
    auto log = make();
    for (int n = 0; n < 3; ++n)
        log->write(line(n));
    auto pause = [&] {
        auto next = log->next_attempt();
        return next ? *next - core::time_point::clock::now() : core::duration();
    };
    BOOST_TEST(run_until([&] { return pause() > 0s; }));
    BOOST_TEST((pause() <= 1s));
    BOOST_TEST(run_until([&] { return pause() > 1500ms; }));
    disk.grow();
    BOOST_TEST(run_until([&] { return log->unwritten().empty(); }));
    BOOST_TEST(!log->next_attempt());
}

/// No system call waits for it to be writable.
BOOST_AUTO_TEST_CASE(what_was_kept_for_a_device_that_cannot_be_waited_for_is_written) {
    os::unique_fd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    replaced_stderr as(null.get());
    auto log = make();
    log->continue_with(line(0));
    BOOST_TEST(log->unwritten() == "");
    log->settle(20s, [](const os::result<void>&) {});
    log->write(line(1));
    BOOST_TEST(log->unwritten() == line(1));
    log->resume();
    BOOST_TEST(log->unwritten() == "");
    BOOST_TEST(!log->next_attempt());
}

BOOST_AUTO_TEST_CASE(a_device_that_is_full_is_no_place_to_say_so) {
    os::unique_fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    replaced_stderr as(full.get());
    auto log = make();
    log->on_recovery([&](std::size_t lost) {
        told += lost;
        log->write("lost\n");
        log->tell_dropped(); // as the logger does after each line
    });
    for (int n = 0; n < 3; ++n) {
        log->write(line(n));
        log->tell_dropped();
    }
    BOOST_TEST(told == 0U);
    BOOST_TEST(log->dropped() == 3U);
}

BOOST_AUTO_TEST_CASE(lines_that_a_pipe_did_not_take_are_told_when_it_moves) {
    int both[2];
    BOOST_REQUIRE(::pipe2(both, O_CLOEXEC | O_NONBLOCK) == 0);
    os::unique_fd read(both[0]), write(both[1]);
    replaced_stderr as(write.get());
    auto log = make();
    int lines = 0;
    while (log->dropped() < 5)
        log->write(line(lines++));
    std::string got(1 << 20, '\0');
    std::size_t size = 0;
    BOOST_TEST(run_until([&] {
        size += os::read_bytes(read.get(), {got.data() + size, got.size() - size});
        return told == 5U;
    }));
    size += os::read_bytes(read.get(), {got.data() + size, got.size() - size});
    BOOST_TEST(size == (std::size_t(lines) - 5) * 50);
}

BOOST_AUTO_TEST_SUITE_END()
