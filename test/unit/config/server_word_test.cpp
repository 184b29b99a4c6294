// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/server_word.hpp"

#include <boost/test/unit_test.hpp>

namespace einhyrningsins::config {
namespace {

using words = std::vector<std::string>;

/// The command as it becomes, and what is to be bound.
struct result {
    words command, sockets;
};

result taken(words command) {
    auto sockets = take_server_words(command);
    BOOST_REQUIRE_MESSAGE(sockets, sockets.error().message);
    result made{std::move(command), {}};
    for (const bind_spec& one : *sockets)
        made.sockets.push_back(one.text);
    return made;
}

void check(const words& given, const words& command, const words& sockets) {
    result made = taken(given);
    BOOST_TEST(made.command == command, boost::test_tools::per_element());
    BOOST_TEST(made.sockets == sockets, boost::test_tools::per_element());
}

} // namespace

BOOST_AUTO_TEST_SUITE(config_server_word)

BOOST_AUTO_TEST_CASE(words_become_numbers) {
    check({"app", "srv:127.0.0.1:80", "-v", "srv:localhost:81,r,O_NONBLOCK"},
          {"app", "3", "-v", "4"}, {"127.0.0.1:80", "localhost:81,r,O_NONBLOCK"});
    check({"app", "--fd=srv:127.0.0.1:80"}, {"app", "--fd=3"}, {"127.0.0.1:80"});
    check({"app", "a=b=srv:h:1"}, {"app", "a=b=3"}, {"h:1"});
}

BOOST_AUTO_TEST_CASE(the_same_address_is_one_socket) {
    check({"app", "srv:h:1,r", "X=srv:h:1", "srv:h:2", "srv:h:1,n"}, {"app", "3", "X=3", "4", "3"},
          {"h:1,r", "h:2"});
}

BOOST_AUTO_TEST_CASE(the_options_are_those_of_a_bind_spec) {
    words command{"app", "srv:h:1,r"};
    auto sockets = take_server_words(command);
    BOOST_REQUIRE(sockets);
    BOOST_TEST(sockets->at(0).reuse_address);
    BOOST_TEST(!sockets->at(0).non_blocking);
}

BOOST_AUTO_TEST_CASE(similar_words_stay) {
    words similar{"srv:",        "srv:h",     "srv:h:",    "srv::80",  "srv:h:x",
                  "srv:h:1,",    "srv:h:1,,", "srv:h:1 ",  "xsrv:h:1", "srv:[::1]:1",
                  "srv:h:1,a-b", "SRV:h:1",   "srv:h:1:2", "srv",      "x= srv:h:1"};
    check(similar, similar, {});
}

BOOST_AUTO_TEST_CASE(what_is_wrong_names_the_word) {
    words port{"app", "srv:h:70000"}, option{"app", "x=srv:h:1,q"};
    auto wrong = take_server_words(port);
    BOOST_REQUIRE(!wrong);
    BOOST_TEST(wrong.error().message ==
               "'srv:h:70000': 'h:70000': port '70000' is not a number from 0 to 65535");
    wrong = take_server_words(option);
    BOOST_REQUIRE(!wrong);
    BOOST_TEST(wrong.error().message.starts_with("'x=srv:h:1,q': 'h:1,q': unknown option 'q'"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::config
