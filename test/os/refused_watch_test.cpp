// SPDX-License-Identifier: GPL-3.0-or-later
#include "loop/background.hpp"
#include "output/capture.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace einhyrningsins;
using namespace os_test;
using namespace std::chrono_literals;

namespace {

bool refuses = false;
int refusals = 0;
unsigned most_threads = 0; ///< that were there when the system refused

bool is_eventfd(int fd) {
    std::error_code ignored;
    auto link = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), ignored);
    return link == "anon_inode:[eventfd]";
}

/// While it lives, the system has no room for the watch of an eventfd.
struct refusal {
    refusal() {
        refuses = true;
        refusals = 0;
        most_threads = 0;
    }
    ~refusal() { refuses = false; }
};

} // namespace

/// Instead of the C library's.
extern "C" int epoll_ctl(int set, int operation, int fd, epoll_event* event) noexcept {
    if (refuses && operation == EPOLL_CTL_ADD && is_eventfd(fd)) {
        ++refusals;
        most_threads = std::max(most_threads, os::background::threads());
        errno = ENOSPC;
        return -1;
    }
    return static_cast<int>(::syscall(SYS_epoll_ctl, set, operation, fd, event));
}

BOOST_AUTO_TEST_SUITE(results_that_cannot_be_watched_for)

BOOST_AUTO_TEST_CASE(a_job_that_is_refused_has_not_begun) {
    boost::asio::io_context context{1};
    loop::background jobs(context, {});
    int begun = 0, done = 0;
    auto run = [&] { return jobs.run([&] { ++begun; }, [&](const os::result<void>&) { ++done; }); };
    {
        refusal now;
        BOOST_TEST(!run().has_value());
        BOOST_TEST(refusals == 1);
        BOOST_TEST(most_threads == 0U);
    }
    auto job = run();
    BOOST_REQUIRE(job.has_value());
    context.run_one_for(20s);
    BOOST_TEST(begun == 1);
    BOOST_TEST(done == 1);
}

BOOST_AUTO_TEST_CASE(output_is_written_once_and_at_the_end_without_delay) {
    scratch directory;
    auto spec = *config::parse_log_spec("size:1000000:1:" + (directory / "log"));
    boost::asio::io_context context{1};
    std::vector<std::string> told;
    output::capture output(context, {},
                           [&](const output::note& what) { told.push_back(what.text); });
    os::unique_fd end;
    {
        refusal now;
        end = std::move(*output.add(spec));
        BOOST_TEST(::write(end.get(), "a line\n", 7) == 7);
        for (int turn = 0; turn < 10; ++turn)
            context.run_one_for(10ms);
        BOOST_TEST(refusals > 0);
        BOOST_TEST(most_threads == 0U);
        BOOST_TEST(!exists(directory / "log"));
    }
    end.reset();
    output.finish(10min);
    BOOST_TEST(contents(directory / "log") == "a line\n");
    BOOST_TEST(told.size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
