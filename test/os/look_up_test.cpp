// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/look_up.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <thread>

#include <arpa/inet.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>

using namespace einhyrningsins;
using namespace einhyrningsins::os;
using namespace os_test;
using config::ip_family;

namespace {

std::string text_of(const inet_endpoint& one) {
    char text[INET6_ADDRSTRLEN] = "";
    if (one.address.ss_family == AF_INET)
        ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(one.address).sin_addr, text,
                    sizeof text);
    else
        ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(one.address).sin6_addr, text,
                    sizeof text);
    return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(looking_up)

BOOST_AUTO_TEST_CASE(what_was_not_looked_up_is_not_known) {
    look_ups names;
    query::host host{"localhost", ip_family::v4};
    BOOST_TEST(names.of(host).error().message() == "localhost has not been looked up");
    BOOST_TEST(names.of(query::account{"", "root"}).error().message() ==
               "root has not been looked up");
    names.add({host});
    auto found = names.of(host);
    BOOST_REQUIRE(found);
    BOOST_REQUIRE(found->size() == 1U);
    BOOST_TEST(text_of(found->front()) == "127.0.0.1");
    BOOST_TEST(!names.of(query::host{"localhost", ip_family::any}).has_value());
}

BOOST_AUTO_TEST_CASE(programs_are_looked_up_at_once_and_names_are_left) {
    look_ups names;
    query::program shell{"sh", "/bin", "/"}, missing{"/nothing/here", "", "/"};
    query::host host{"localhost", ip_family::v4};
    query::account user{"root", ""};
    auto left = names.add_local({host, shell, missing, user, shell, query::user{"0"}});
    BOOST_TEST(left.size() == 2U);
    BOOST_TEST(std::ranges::count(left, any_query(host)) == 1);
    BOOST_TEST(std::ranges::count(left, any_query(user)) == 1);
    BOOST_TEST(*names.of(shell) == "/bin/sh");
    BOOST_TEST(!names.of(missing).has_value());
    BOOST_TEST(!names.of(host).has_value());
    names.add(left);
    BOOST_TEST(names.add_local({host, shell, user}).empty());
}

BOOST_AUTO_TEST_CASE(numbers_need_no_look_up) {
    look_ups none;
    std::vector<any_query> numbers{query::host{"127.0.0.1", ip_family::any},
                                   query::host{"::1", ip_family::any},
                                   query::host{"::1", ip_family::v4},
                                   query::user{"65534"},
                                   query::group{"65534"},
                                   query::account{"", ""}};
    BOOST_TEST(none.unknown(numbers).empty());
    BOOST_TEST(text_of(none.of(query::host{"::1", ip_family::any})->front()) == "::1");
    BOOST_TEST(*none.of(query::user{"65534"}) == 65534U);
    BOOST_TEST(*none.of(query::group{"65534"}) == 65534U);
    BOOST_TEST(!none.of(query::account{"", ""})->has_value());
}

BOOST_AUTO_TEST_CASE(an_address_of_the_other_family_is_told) {
    look_ups none;
    std::string why = none.of(query::host{"::1", ip_family::v4}).error().message();
    BOOST_TEST(why.starts_with("::1: "));
    BOOST_TEST(why.ends_with(" (only IPv4 was asked for)"));
}

BOOST_AUTO_TEST_CASE(each_is_looked_up_once) {
    look_ups names;
    query::user root{"root"};
    query::host host{"localhost", ip_family::any};
    std::vector<any_query> wanted{root, host, root, query::user{"7"}};
    BOOST_TEST(names.unknown(wanted).size() == 2U);
    names.add({root});
    BOOST_TEST((names.unknown(wanted) == std::vector<any_query>{host}));
}

BOOST_AUTO_TEST_CASE(a_failure_is_an_answer_too) {
    look_ups names;
    query::user user{"no-such-user"};
    query::group group{"no-such-group"};
    query::account account{"no-such-user", ""};
    query::host host{"host.invalid", ip_family::any};
    query::program program{"no-such-program", "/bin", "/"};
    std::vector<any_query> all{user, group, account, host, program};
    names.add(all);
    BOOST_TEST(names.unknown(all).empty());
    BOOST_TEST(names.of(user).error().message() == "no user is called no-such-user");
    BOOST_TEST(names.of(group).error().message() == "no group is called no-such-group");
    BOOST_TEST(names.of(account).error().message() == "uid: no user is called no-such-user");
    BOOST_TEST(names.of(host).error().message().starts_with("host.invalid: "));
    BOOST_TEST(names.of(program).error().message() == "no-such-program: no such program in PATH");
}

BOOST_AUTO_TEST_CASE(users_groups_and_programs_are_found) {
    look_ups names;
    const passwd* nobody = ::getpwnam("nobody");
    BOOST_REQUIRE(nobody);
    query::program shell{"sh", "/nowhere:/bin", "/"};
    names.add({query::user{"nobody"}, query::group{"root"}, query::account{"nobody", ""}, shell});
    BOOST_TEST(*names.of(query::user{"nobody"}) == nobody->pw_uid);
    BOOST_TEST(*names.of(query::group{"root"}) == 0U);
    BOOST_TEST(*names.of(shell) == "/bin/sh");
    auto who = names.of(query::account{"nobody", ""});
    BOOST_TEST(who.has_value() == is_root());
    if (who) BOOST_TEST((*who)->user == nobody->pw_uid);
}

BOOST_AUTO_TEST_SUITE_END()
