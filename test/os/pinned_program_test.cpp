// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/pinned_program.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace einhyrningsins::os;
using namespace os_test;

namespace {

struct fixture {
    scratch directory;
    std::string path = directory / "program";

    void put(const std::string& text) {
        write_file(path + ".new", text, 0755);
        BOOST_REQUIRE(::rename((path + ".new").c_str(), path.c_str()) == 0);
    }

    pinned_program pin() {
        auto pinned = pinned_program::find("program", directory.path(), "/");
        BOOST_REQUIRE_MESSAGE(pinned, pinned.error().message());
        return std::move(*pinned);
    }
};

/// Executes it in a child, with an argument.
int run(const pinned_program& program) {
    auto path = program.to_execute();
    BOOST_REQUIRE_MESSAGE(path, path.error().message());
    pid_t pid = ::fork();
    if (pid == 0) {
        ::execl(path->c_str(), "program", "7", nullptr);
        ::_exit(126);
    }
    return exit_code_of(pid);
}

const std::string script = "#!/bin/sh\nexit $1\n";

} // namespace

BOOST_FIXTURE_TEST_SUITE(pinned_program_suite, fixture)

BOOST_AUTO_TEST_CASE(a_binary_stays_what_it_was) {
    put(contents("/bin/true"));
    pinned_program program = pin();
    BOOST_TEST(run(program) == 0);
    put(contents("/bin/false"));
    BOOST_TEST(run(program) == 0);
    ::unlink(path.c_str());
    BOOST_TEST(run(program) == 0);
}

BOOST_AUTO_TEST_CASE(a_script_is_executed_by_its_path) {
    put(script);
    pinned_program program = pin();
    BOOST_TEST(*program.to_execute() == path);
    BOOST_TEST(run(program) == 7);
}

BOOST_AUTO_TEST_CASE(a_script_that_is_another_one_is_not_executed) {
    put(script);
    pinned_program program = pin();
    put(script);
    BOOST_TEST(program.to_execute().error().message() ==
               path + " is not the file that was tried; try again");
    program = pin();
    write_file(path, script + "\n", 0755);
    BOOST_TEST(program.to_execute().has_error());
    ::unlink(path.c_str());
    BOOST_TEST(program.to_execute().error().message() == path + ": No such file or directory");
}

BOOST_AUTO_TEST_CASE(what_is_missing) {
    BOOST_TEST(pinned_program::find("program", directory.path(), "/").has_error());
}

BOOST_AUTO_TEST_CASE(a_script_that_cannot_be_read_now_is_executed_by_its_path_as_well) {
    put(script);
    BOOST_TEST(
        in_child([&] {
            int lowest = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
            ::close(lowest);
            rlimit one_more{static_cast<rlim_t>(lowest) + 1, static_cast<rlim_t>(lowest) + 1};
            ::setrlimit(RLIMIT_NOFILE, &one_more);
            auto pinned = pinned_program::find("program", directory.path(), "/");
            if (!pinned) return 99;
            auto wanted = pinned->to_execute();
            return first_failure({wanted.has_value(), wanted && *wanted == path});
        }) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
