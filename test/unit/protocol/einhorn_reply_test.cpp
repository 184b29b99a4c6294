// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/einhorn_reply.hpp"

#include "protocol/request.hpp"

#include <boost/test/unit_test.hpp>

namespace einhyrningsins::protocol {

using config::dialect_name;
namespace {

reply read(std::string_view line) {
    auto made = parse_einhorn_reply(line);
    BOOST_REQUIRE(made);
    return *made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(protocol_einhorn_reply)

/// As Ruby's YAML.dump and einhorn's percent-encoding make them.
BOOST_AUTO_TEST_CASE(of_einhorn_itself) {
    reply last = read("---%0Amessage: Upgrade done%0Arequest_id: 1%0A");
    BOOST_TEST(last.message == "Upgrade done");
    BOOST_TEST(!last.wait);
    BOOST_TEST(last.ok);
    BOOST_TEST(
        read("---%0Amessage: Upgrading smoothly, as commanded%0Arequest_id: 2%0Await: true%0A")
            .wait);
    BOOST_TEST(read("---%0Amessage: |%0A  Welcome, gdb!%0A  100%25 einhorn.%0A").message ==
               "Welcome, gdb!\n100% einhorn.\n");
    BOOST_TEST(read("---%0Amessage: |%0A  ---%0A  :state:%0A    :children: {}%0Arequest_id: 3%0A")
                   .message == "---\n:state:\n  :children: {}\n");
    BOOST_TEST(read("---%0Amessage: ''%0Arequest_id: 3%0A").message == "");
    BOOST_TEST(read("---%0Amessage: 'Invalid signal: \"FOO\"'%0A").message ==
               "Invalid signal: \"FOO\"");
}

BOOST_AUTO_TEST_CASE(of_our_master) {
    BOOST_TEST(read(R"({"message": "a\u0025", "request_id": 1, "wait": true})").message == "a%");
    BOOST_TEST(read(R"("Hi there!")").message == "Hi there!");
    BOOST_TEST(!read(R"({"message": "no", "ok": false})").ok);
    BOOST_TEST(!read(R"({"message": "ERROR: Upgrade to generation 2 aborted"})").ok);
    BOOST_TEST(!read("---%0Amessage: 'ERROR: no'%0A").ok);
}

BOOST_AUTO_TEST_CASE(longer_than_a_request) {
    std::string line = "---%0Amessage: |%0A";
    for (int i = 0; i < 20'000; ++i)
        line += "  :pinged_at: %25%0A";
    BOOST_TEST(read(line).message.size() == 20'000 * std::string(":pinged_at: %\n").size());
}

BOOST_AUTO_TEST_CASE(what_is_no_reply) {
    for (const char* line : {"", "hello", "---%0Amessage", "---%0Atext: no%0A", "[1]", "{\"a\": 1}",
                             "---%0A&a%0Amessage: *a%0A"})
        BOOST_TEST(!parse_einhorn_reply(line).has_value(), line);
}

BOOST_AUTO_TEST_CASE(requests_that_any_master_reads) {
    request what{.command = "die", .dialect = dialect_name::einhorn};
    what.id = 1;
    what.args_given = true;
    BOOST_TEST(to_line(what) == "{\"id\": 1, \"command\": \"die\", \"args\": []}\n");
    what.args = {"100%0A", "a+b"};
    BOOST_TEST(to_line(what) == "{\"id\": 1, \"command\": \"die\", "
                                "\"args\": [\"100\\u00250A\", \"a\\u002bb\"]}\n");
    request ehlo{.command = "ehlo", .dialect = dialect_name::einhorn};
    ehlo.user = "gdb";
    BOOST_TEST(to_line(ehlo) == "{\"command\": \"ehlo\", \"user\": \"gdb\"}\n");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::protocol
