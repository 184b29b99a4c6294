// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/identity.hpp"
#include "os/spawn.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <initializer_list>
#include <optional>

#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace einhyrningsins::os;
using namespace os_test;

namespace {

constexpr uid_t service = 61300, worker = 61301;
constexpr const char* none = "0000000000000000";

/// What these capabilities are in one word.
unsigned mask(std::initializer_list<int> numbers) {
    unsigned bits = 0;
    for (int number : numbers)
        bits |= 1U << number;
    return bits;
}

bool set_capabilities(unsigned own, unsigned inheritable) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3]{};
    data[0] = {own, own, inheritable};
    return ::syscall(SYS_capset, &header, data) == 0;
}

/// What a service manager makes of this process for AmbientCapabilities=.
bool become_service(std::initializer_list<int> numbers) {
    bool done = ::prctl(PR_SET_KEEPCAPS, 1) == 0 && ::setgroups(0, nullptr) == 0 &&
                ::setresgid(service, service, service) == 0 &&
                ::setresuid(service, service, service) == 0 &&
                set_capabilities(mask(numbers), mask(numbers));
    for (int number : numbers)
        done = done && ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) == 0;
    return done;
}

struct fixture {
    fixture() { BOOST_REQUIRE(::chmod(directory.path().c_str(), 0777) == 0); }

    /// Runs a worker and returns what it has reported about one of its sets, "CapEff" say.
    std::string run(std::optional<identity> who) {
        spawn_recipe recipe;
        recipe.program = report_program();
        recipe.arguments = {recipe.program, file};
        recipe.directory = std::move(*open_directory("/"));
        recipe.identity = std::move(who);
        ::unlink(file.c_str());
        auto born = spawn_plan::make(std::move(recipe)).spawn(0, -1);
        if (!born || exit_code_of(born->pid()) != 0) return "no report";
        return contents(file);
    }
    static bool has(const std::string& report, const std::string& line) {
        return report.find(line + "\n") != std::string::npos;
    }
    static bool has_none(const std::string& report) {
        for (std::string set : {"CapInh", "CapPrm", "CapEff", "CapAmb"})
            if (!has(report, set + " " + none)) return false;
        return true;
    }

    scratch directory;
    std::string file = directory / "report";
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(capabilities_of_workers, fixture)

BOOST_AUTO_TEST_CASE(a_master_that_is_not_root_keeps_its_own_to_itself,
                     *boost::unit_test::precondition(needs_root)) {
    auto given = {CAP_SETUID, CAP_SETGID, CAP_KILL, CAP_NET_BIND_SERVICE};
    BOOST_TEST(in_child([&] {
                   if (!become_service(given)) return 99;
                   std::string as_other = run(identity{.user = worker, .group = worker}),
                               of_other_group = run(identity{.user = service, .group = worker}),
                               as_itself = run(std::nullopt);
                   return first_failure(
                       {has_none(as_other), has(as_other, "users 61301 61301 61301"),
                        has_none(of_other_group), has(of_other_group, "groups 61301 61301 61301"),
                        has_none(as_itself), has(as_itself, "users 61300 61300 61300"),
                        ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0) == 1});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(what_root_could_hand_down_is_not,
                     *boost::unit_test::precondition(needs_root)) {
    BOOST_TEST(in_child([&] {
                   unsigned some = mask({CAP_SETUID, CAP_SETGID, CAP_KILL});
                   if (!set_capabilities(some, some)) return 99;
                   return first_failure({has_none(run(identity{.user = worker, .group = worker}))});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(root_for_root_stays_root, *boost::unit_test::precondition(needs_root)) {
    std::string plain = run(std::nullopt), named = run(identity{.user = 0, .group = 0});
    auto effective = [](const std::string& report) {
        auto at = report.find("CapEff ");
        return at == std::string::npos ? std::string("?") : report.substr(at, 23);
    };
    BOOST_TEST(effective(plain) == effective(named));
    BOOST_TEST(!has(plain, std::string("CapEff ") + none));
}

BOOST_AUTO_TEST_CASE(ambient_capabilities_are_seen_where_the_others_may_not_be_asked_for,
                     *boost::unit_test::precondition(needs_root)) {
    BOOST_TEST(in_child([&] {
                   if (!become_service({CAP_KILL})) return 99;
                   refuse({SYS_capget}, EPERM);
                   bool with = inherits_capabilities();
                   ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
                   return first_failure({with, !inherits_capabilities()});
               }) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
