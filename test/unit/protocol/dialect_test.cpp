// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/dialect.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include <string>

namespace einhyrningsins::protocol {

using config::dialect_name;
namespace json = boost::json;

namespace {

const dialect& ours = our_dialect();
const dialect& einhorns = einhorn_dialect();
const dialect& firestarters = firestarter_dialect();

const dialect& spoken(std::string_view line, const socket_kind& where) {
    auto asked = parse_request(line, where);
    return dialect_of(asked ? asked->dialect : asked.error().dialect);
}

} // namespace

BOOST_AUTO_TEST_SUITE(dialects)

BOOST_AUTO_TEST_CASE(each_is_found_by_its_name) {
    for (const dialect* one : {&ours, &einhorns, &firestarters})
        BOOST_TEST(&dialect_of(one->name()) == one);
}

/// Whatever a user says, nobody can give a second command with it.
BOOST_AUTO_TEST_CASE(a_request_is_one_line) {
    const std::string evil = "a\nb\r\xe2\x80\xa8\xc2\x85\"'%0A%0a";
    request what{.command = evil, .args = {evil, evil}, .group = evil};
    what.id = evil;
    what.request_id = evil;
    what.user = evil;
    for (const dialect* one : {&ours, &einhorns, &firestarters})
        for (const std::string& command : {evil, std::string("worker:stop"), std::string("list")}) {
            what.command = command;
            std::string line = one->to_line(what);
            BOOST_TEST(line.find('\n') == line.size() - 1);
            BOOST_TEST(line.find('\r') == line.npos);
            if (one != &einhorns) continue;
            BOOST_TEST(line.find('%') == line.npos);            // which einhorn decodes
            BOOST_TEST(line.find("\xe2\x80\xa8") == line.npos); // which is a line break of YAML
        }
}

BOOST_AUTO_TEST_CASE(einhorns_is_the_only_answer_to_json_at_its_socket) {
    socket_kind plain, einhorn{.spoken = dialect_name::einhorn};
    for (const char* line :
         {R"({"command":"ehlo"})", R"({"id":1,"command":"ehlo"})", "{}", "[]", "garbage"}) {
        BOOST_TEST(&spoken(line, einhorn) == &einhorns, line);
        BOOST_TEST(&spoken(line, plain) == &ours, line);
    }
    BOOST_TEST(&spoken("command: ehlo", plain) == &einhorns);
}

BOOST_AUTO_TEST_CASE(who_has_said_nothing_is_turned_away_in_the_language_of_the_socket) {
    socket_kind group{.is_of_group = true}, firestarter{.spoken = dialect_name::firestarter},
        einhorn{.spoken = dialect_name::einhorn};
    BOOST_TEST(dialect_at(group).rejection("no", 9) == dialect_at(firestarter).rejection("no", 9));
    BOOST_TEST(
        json::parse(dialect_at(group).rejection("no", 9)) ==
        (json::value{
            {"status", "error"}, {"command", "none"}, {"pid", 9}, {"message", "error: no"}}));
    for (const socket_kind& where : {einhorn, socket_kind{}})
        BOOST_TEST(dialect_at(where).rejection("no", 9) == "{\"message\":\"no\",\"ok\":false}\n");
}

BOOST_AUTO_TEST_CASE(to_einhorns_clients_an_answer_is_always_an_object) {
    reply what{.message = "50% + \"x\"\n", .ok = false, .data = json::object(), .wait = true};
    BOOST_TEST(einhorns.to_line(what, std::nullopt, 9) ==
               "{\"message\": \"50\\u0025 \\u002b \\\"x\\\"\\n\"}\n");
    BOOST_TEST(einhorns.to_line({"x"}, json::value(7), 9) ==
               "{\"message\": \"x\", \"request_id\": 7}\n");
    BOOST_TEST(einhorns.to_line({.message = "x", .wait = true}, json::value("a+"), 9) ==
               "{\"message\": \"x\", \"request_id\": \"a\\u002b\", \"wait\": true}\n");
}

BOOST_AUTO_TEST_CASE(einhorn_does_not_answer_what_workers_say) {
    for (const char* command : {"worker:ack", "worker:ping"}) {
        BOOST_TEST(!einhorns.answers(command));
        BOOST_TEST(ours.answers(command));
        BOOST_TEST(firestarters.answers(command));
    }
    for (const char* command : {"status", "unknown", ""})
        BOOST_TEST(einhorns.answers(command));
}

BOOST_AUTO_TEST_CASE(a_failure_can_be_told_in_each) {
    for (const dialect* one : {&ours, &einhorns, &firestarters}) {
        std::string line = one->to_line(one->failure("no room"), json::value(1), 9);
        auto read = one->parse_reply(line);
        BOOST_TEST_REQUIRE(read.has_value());
        BOOST_TEST(!read->ok);
        BOOST_TEST(read->message.ends_with("no room"));
    }
}

BOOST_AUTO_TEST_CASE(the_end_of_an_upgrade_is_told_once_more_to_einhorns_clients) {
    using namespace core::report_of;
    core::report done = upgrade_done{.generation = 2};
    BOOST_TEST(!ours.is_progress(done));
    BOOST_TEST(einhorns.is_progress(done));
    BOOST_TEST(einhorns.describe(done).starts_with("Upgraded successfully to version 1"));
    BOOST_TEST(ours.describe(done) == core::to_string(done));
}

BOOST_AUTO_TEST_CASE(only_firestarters_connections_are_for_one_request) {
    BOOST_TEST(firestarters.is_for_one_request());
    BOOST_TEST(!ours.is_for_one_request());
    BOOST_TEST(!einhorns.is_for_one_request());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::protocol
