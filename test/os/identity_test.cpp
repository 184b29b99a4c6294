// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/credentials.hpp"
#include "os/identity.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

using namespace einhyrningsins::os;
using namespace os_test;

namespace {

/// A number that passwd(5) does not know.
constexpr const char* stranger = "3999999999";

/// In a process that has given up being root, with code 100 if that is not possible.
int as_nobody(const std::function<int()>& work) {
    return in_child([&] {
        const passwd* nobody = ::getpwnam("nobody");
        if (!nobody || ::setgroups(0, nullptr) != 0 || ::setgid(nobody->pw_gid) != 0 ||
            ::setuid(nobody->pw_uid) != 0)
            return 100;
        return work();
    });
}

} // namespace

BOOST_AUTO_TEST_SUITE(identities)

BOOST_AUTO_TEST_CASE(without_names_there_is_none) {
    auto found = find_identity("", "");
    BOOST_REQUIRE(found);
    BOOST_TEST(!found->has_value());
}

BOOST_AUTO_TEST_CASE(names_that_nobody_has_are_errors) {
    BOOST_TEST(find_identity("no-such-user", "").error().message() ==
               "uid: no user is called no-such-user");
    BOOST_TEST(find_identity("", "no-such-group").error().message() ==
               "gid: no group is called no-such-group");
}

BOOST_AUTO_TEST_CASE(a_user_by_name_and_by_number_is_the_same,
                     *boost::unit_test::precondition(needs_root)) {
    const passwd* nobody = ::getpwnam("nobody");
    BOOST_REQUIRE(nobody);
    auto by_name = find_identity("nobody", "");
    auto by_number = find_identity(std::to_string(nobody->pw_uid), "");
    BOOST_REQUIRE(by_name && *by_name && by_number && *by_number);
    BOOST_TEST((*by_name == *by_number));
    BOOST_TEST((*by_name)->user == nobody->pw_uid);
    BOOST_TEST((*by_name)->group == nobody->pw_gid);
    BOOST_TEST((*by_name)->groups == std::vector<gid_t>{nobody->pw_gid});
}

BOOST_AUTO_TEST_CASE(a_group_takes_the_place_of_the_users_own,
                     *boost::unit_test::precondition(needs_root)) {
    auto found = find_identity("nobody", "12345");
    BOOST_REQUIRE(found && *found);
    BOOST_TEST((*found)->group == 12345);
    auto only_group = find_identity("", "12345");
    BOOST_REQUIRE(only_group && *only_group);
    BOOST_TEST((*only_group)->user == 0);
    BOOST_TEST((*only_group)->group == 12345);
}

BOOST_AUTO_TEST_CASE(a_number_without_an_entry_needs_a_group_and_has_no_others,
                     *boost::unit_test::precondition(needs_root)) {
    BOOST_TEST(!find_identity(stranger, ""));
    auto found = find_identity(stranger, "12345");
    BOOST_REQUIRE(found && *found);
    BOOST_TEST((*found)->user == 3999999999U);
    BOOST_TEST((*found)->groups.empty());
}

BOOST_AUTO_TEST_CASE(root_by_name_sheds_the_groups_of_this_process,
                     *boost::unit_test::precondition(needs_root)) {
    auto found = find_identity("root", "");
    BOOST_REQUIRE(found && *found);
    auto& groups = (*found)->groups;
    BOOST_TEST((std::ranges::find(groups, 12345U) == groups.end()));
}

BOOST_AUTO_TEST_CASE(who_is_not_root_can_be_himself_and_nobody_else,
                     *boost::unit_test::precondition(needs_root)) {
    int failed = as_nobody([] {
        auto self = find_identity("nobody", "");
        auto other = find_identity("root", "");
        auto group = find_identity("", "12345");
        return first_failure(
            {self && !*self, !other,
             !other && other.error().message().starts_with("uid root: user "),
             !other && other.error().message().ends_with("start the master as root"), !group});
    });
    BOOST_TEST(failed == 0);
}

BOOST_AUTO_TEST_CASE(a_child_of_another_user_is_a_peer_of_that_user) {
    identity who{.user = 12, .group = 34, .groups = {56}};
    peer other = peer_of_child(7, who), own = peer_of_child(7, std::nullopt);
    BOOST_TEST(other.pid == 7);
    BOOST_TEST(other.uid == 12);
    BOOST_TEST(other.gid == 34);
    BOOST_TEST(other.groups == who.groups);
    BOOST_TEST(own.uid == own_user());
}

BOOST_AUTO_TEST_SUITE_END()
