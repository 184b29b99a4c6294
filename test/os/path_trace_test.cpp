// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/path_trace.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>

#include <sys/stat.h>

using namespace einhyrningsins::os;
using namespace os_test;
namespace fs = std::filesystem;
using kind = path_trace::kind_type;

namespace {

/// current -> releases/1, with a program in releases/1 and in releases/2.
struct fixture {
    scratch directory;
    std::string root = fs::canonical(directory.path()).string();
    std::string program = root + "/current/prog";

    fixture() {
        for (const char* release : {"1", "2"}) {
            fs::create_directories(root + "/releases/" + release);
            write_file(root + "/releases/" + release + "/prog", "text", 0755);
        }
        fs::create_directory_symlink("releases/1", root + "/current");
    }

    /// The kind of the step at `path` below the root; nothing: the trace does not lead there.
    static std::optional<kind> kind_at(const path_trace& trace, const std::string& path) {
        for (const path_trace::step& one : trace.steps)
            if (one.path == path) return one.kind;
        return std::nullopt;
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(path_traces, fixture)

BOOST_AUTO_TEST_CASE(every_directory_and_link_on_the_way_is_a_step) {
    path_trace trace = trace_path(program);
    BOOST_TEST(trace.version.has_value());
    BOOST_TEST((kind_at(trace, "/") == kind::directory));
    BOOST_TEST((kind_at(trace, root) == kind::directory));
    BOOST_TEST((kind_at(trace, root + "/current") == kind::link));
    BOOST_TEST((kind_at(trace, root + "/releases") == kind::directory));
    BOOST_TEST((kind_at(trace, root + "/releases/1") == kind::directory));
    BOOST_TEST((kind_at(trace, root + "/releases/1/prog") == kind::file));
    BOOST_TEST(trace.steps.back().path == root + "/releases/1/prog");
}

BOOST_AUTO_TEST_CASE(a_link_that_is_pointed_elsewhere_makes_another_version) {
    auto before = trace_path(program).version;
    fs::remove(root + "/current");
    fs::create_directory_symlink(root + "/releases/2", root + "/current"); // absolute this time
    path_trace after = trace_path(program);
    BOOST_REQUIRE(after.version);
    BOOST_TEST((after.version != before));
    BOOST_TEST(after.steps.back().path == root + "/releases/2/prog");
}

BOOST_AUTO_TEST_CASE(dots_are_followed) {
    auto straight = trace_path(program);
    auto winding = trace_path(root + "/./releases/1/../../current//prog");
    BOOST_REQUIRE(winding.version);
    BOOST_TEST((winding.version == straight.version));
    BOOST_TEST(trace_path("/../" + program).version.has_value());
}

BOOST_AUTO_TEST_CASE(the_way_ends_at_what_is_missing) {
    path_trace trace = trace_path(root + "/nothing/prog");
    BOOST_TEST(!trace.version);
    BOOST_TEST((trace.steps.back().kind == kind::missing));
    BOOST_TEST(trace.steps.back().path == root + "/nothing");
}

BOOST_AUTO_TEST_CASE(a_rewritten_file_is_another_version_and_an_untouched_one_is_not) {
    auto before = trace_path(program).version;
    BOOST_TEST((trace_path(program).version == before));
    write_file(root + "/releases/1/prog", "longer text", 0755);
    BOOST_TEST((trace_path(program).version != before));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_executed_is_no_version) {
    fs::permissions(root + "/releases/1/prog", fs::perms(0644));
    BOOST_TEST(!trace_path(program).version);
    BOOST_TEST(!trace_path(root + "/releases").version);
    BOOST_TEST(!trace_path(program + "/below").version);
}

BOOST_AUTO_TEST_CASE(links_in_a_circle_end) {
    fs::create_symlink("b", root + "/a");
    fs::create_symlink("a", root + "/b");
    path_trace trace = trace_path(root + "/a");
    BOOST_TEST(!trace.version);
    BOOST_TEST(trace.steps.size() < 100U);
}

BOOST_AUTO_TEST_SUITE_END()
