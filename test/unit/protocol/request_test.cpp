// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/request.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace einhyrningsins::protocol {

using config::dialect_name;

namespace {

using words = std::vector<std::string>;

request read(std::string_view line) {
    auto made = parse_request(line);
    BOOST_REQUIRE_MESSAGE(made.has_value(), line << ": " << made.error().message);
    return *made;
}

std::string complaint(std::string_view line) {
    auto made = parse_request(line);
    BOOST_REQUIRE_MESSAGE(!made.has_value(), line);
    return made.error().message;
}

bool says(const std::string& text, std::string_view what) {
    return text.find(what) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(protocol_request)

BOOST_AUTO_TEST_CASE(an_ack_as_workers_write_it) {
    for (const char* line :
         {R"({"command":"worker:ack","pid":1234})", R"({"command": "worker:ack", "pid": 1234})",
          R"( { "pid" : 1234 , "command" : "worker:ack" } )",
          R"({"command":"worker:ack", "pid":1234.0, "more":[1,{"x":null}]})"}) {
        request made = read(line);
        BOOST_TEST(made.command == "worker:ack");
        BOOST_TEST(made.pid == 1234);
        BOOST_TEST(!made.id.has_value());
    }
    BOOST_TEST(read(R"({"command":"worker:ack","pid":0})").pid == 0);
    BOOST_TEST(read(R"({"command":"worker:ack"})").pid == 0);
}

BOOST_AUTO_TEST_CASE(arguments_are_strings_or_numbers) {
    BOOST_TEST(read(R"({"command":"x","args":["3","web"]})").args == (words{"3", "web"}));
    BOOST_TEST(read(R"({"command":"x","args":[3,-1,0.5,20.0,1e3]})").args ==
               (words{"3", "-1", "0.5", "20", "1000"}));
    BOOST_TEST(read(R"({"command":"x","args":"USR1"})").args == words{"USR1"});
    BOOST_TEST(read(R"({"command":"x","args":7})").args == words{"7"});
    BOOST_TEST(read(R"({"command":"x","args":[]})").args == words{});
    BOOST_TEST(read(R"({"command":"x","args":null})").args == words{});
}

BOOST_AUTO_TEST_CASE(an_id_is_kept_as_it_is) {
    BOOST_TEST(read(R"({"command":"x","id":7})").id.value() == boost::json::value(7));
    BOOST_TEST(read(R"({"command":"x","id":"a b"})").id.value() == boost::json::value("a b"));
    BOOST_TEST(!read(R"({"command":"x","id":null})").id.has_value());
}

BOOST_AUTO_TEST_CASE(the_other_keys) {
    request made = read(R"({"command":"worker:ping","request_id":42,"group":"web"})");
    BOOST_TEST(made.request_id == "42");
    BOOST_TEST(made.group == "web");
    BOOST_TEST(made.wants_data);
    BOOST_TEST(!read(R"({"command":"status","data":false})").wants_data);
}

BOOST_AUTO_TEST_CASE(the_wrong_key_is_named) {
    BOOST_TEST(says(complaint(R"({"command":7})"), "'command'"));
    BOOST_TEST(says(complaint(R"({})"), "'command'"));
    BOOST_TEST(says(complaint(R"({"command":""})"), "'command'"));
    BOOST_TEST(says(complaint(R"({"command":"x","args":{}})"), "'args'"));
    BOOST_TEST(says(complaint(R"({"command":"x","args":[[]]})"), "'args'"));
    BOOST_TEST(says(complaint(R"({"command":"x","args":[true]})"), "'args'"));
    BOOST_TEST(says(complaint(R"({"command":"x","group":1})"), "'group'"));
    BOOST_TEST(says(complaint(R"({"command":"x","id":[1]})"), "'id'"));
    BOOST_TEST(says(complaint(R"({"command":"x","id":true})"), "'id'"));
    for (const char* pid : {"-1", "1.5", "\"12\"", "99999999999", "null", "1e300"})
        BOOST_TEST(says(complaint(std::string(R"({"command":"x","pid":)") + pid + "}"), "'pid'"),
                   pid);
    BOOST_TEST(says(complaint(R"({"command":"x","request_id":[]})"), "'request_id'"));
    BOOST_TEST(says(complaint(R"({"command":"x","data":0})"), "'data'"));
}

BOOST_AUTO_TEST_CASE(a_complaint_goes_to_the_id_where_there_is_one) {
    auto made = parse_request(R"({"command":"x","pid":-1,"id":"me"})");
    BOOST_TEST(made.error().id.value() == boost::json::value("me"));
    BOOST_TEST(!parse_request(R"({"pid":-1})").error().id.has_value());
}

BOOST_AUTO_TEST_CASE(what_is_no_json_object_is_refused) {
    for (const char* line : {"", " ", "ehlo", "{", "[]", "\"ehlo\"", "3", "null",
                             "{\"command\":\"x\"} {}", "\xff\xfe", "{\"command\":\"\xff\"}"})
        BOOST_TEST(!complaint(line).empty(), line);
    BOOST_TEST(!complaint(std::string_view("{\0}", 3)).empty());
}

BOOST_AUTO_TEST_CASE(deep_nesting_is_refused_and_long_lines_are_read) {
    std::string deep(10000, '[');
    BOOST_TEST(!complaint(R"({"command":"x","more":)" + deep).empty());
    std::string argument(60000, 'x');
    BOOST_TEST(read(R"({"command":"x","args":[")" + argument + "\"]}").args == words{argument});
}

/// Byte for byte what the libraries of einhorn's users send.
BOOST_AUTO_TEST_CASE(the_known_clients_of_einhorn) {
    for (const char* line :
         {"---%0Acommand: worker:ack%0Apid: 123%0A", // Ruby
          "--- %0Acommand: worker:ack%0Apid: 123%0A", "command: worker:ack%0Apid: 123%0A",
          "{\"command\": \"worker:ack\", \"pid\": 123}"}) {
        request made = read(line);
        BOOST_TEST(made.command == "worker:ack", line);
        BOOST_TEST(made.pid == 123, line);
        BOOST_TEST((made.dialect ==
                    (line[0] == '{' ? dialect_name::einhyrningsins : dialect_name::einhorn)),
                   line);
    }
    request resize = read("---%0Aid: 2%0Acommand: set_workers%0Aargs:%0A- '3'%0A");
    BOOST_TEST(resize.id.value() == boost::json::value(2));
    BOOST_TEST(resize.command == "set_workers");
    BOOST_TEST(resize.args == words{"3"});
    request hello = read("---%0Acommand: ehlo%0Auser:%0A");
    BOOST_TEST(hello.command == "ehlo");
    BOOST_TEST(hello.user == "");
    BOOST_TEST(read("---%0Acommand: ehlo%0Auser: me%0A").user == "me");
    request ping = read("---%0Acommand: worker:ping%0Apid: 5%0Arequest_id: req-1%0A");
    BOOST_TEST(ping.request_id == "req-1");
}

BOOST_AUTO_TEST_CASE(what_rubys_yaml_makes_of_arguments) {
    request made =
        read("---%0Acommand: signal%0Aargs:%0A- USR1%0A- '15'%0A- 'a: b'%0A- \":x\"%0A- |-%0A"
             "  two%0A  lines%0A- ''%0A- \" lead\"%0A- 50%25%0A");
    BOOST_TEST(made.args == (words{"USR1", "15", "a: b", ":x", "two\nlines", "", " lead", "50%"}));
    BOOST_TEST(read("---%0Acommand: x%0Aargs: []%0A").args_given);
    BOOST_TEST(!read("---%0Acommand: x%0A").args_given);
    BOOST_TEST(!read("---%0Acommand: x%0Aargs:%0A").args_given);
}

BOOST_AUTO_TEST_CASE(only_two_bytes_are_percent_encoded) {
    BOOST_TEST(read("command: 'a%250A%41%0a%'").command == "a%0A%41%0a%");
    BOOST_TEST(read("{\"command\": \"a%250A\"}").command == "a%250A");
}

BOOST_AUTO_TEST_CASE(who_is_answered_how) {
    auto blamed = [](std::string_view line) {
        auto made = parse_request(line);
        BOOST_REQUIRE_MESSAGE(!made.has_value(), line);
        return made.error();
    };
    using enum request_error::kind_type;
    for (const char* line :
         {"---", "---%0A- 1%0A", "command: [%0A", "a: &x 1%0Acommand: ehlo%0A"}) {
        BOOST_TEST((blamed(line).dialect == dialect_name::einhorn), line);
        BOOST_TEST((blamed(line).kind == unreadable), line);
    }
    for (const char* line : {"ehlo", "{", "", "[]", "7"})
        BOOST_TEST((blamed(line).dialect == dialect_name::einhyrningsins), line);
    for (const char* line : {"id: 7", "id: 7%0Acommand:%0A", "{id: 7, command: ''}"}) {
        BOOST_TEST((blamed(line).kind == no_command), line);
        BOOST_TEST((blamed(line).dialect == dialect_name::einhorn), line);
        BOOST_TEST(blamed(line).id.value() == boost::json::value(7), line);
    }
    request_error wrong = blamed("command: worker:ack%0Apid: x");
    BOOST_TEST((wrong.kind == wrong_key));
    BOOST_TEST(wrong.command == "worker:ack");
}

BOOST_AUTO_TEST_CASE(what_is_written_is_read_again) {
    request sent{.command = "signal", .args = {"USR1", "a \"b\"\n"}, .group = "web", .id = 3};
    sent.pid = 7;
    sent.request_id = "ping";
    sent.wants_data = false;
    std::string line = to_line(sent);
    BOOST_TEST(line.find('\n') == line.size() - 1);
    request got = read(line);
    BOOST_TEST(got.command == sent.command);
    BOOST_TEST(got.args == sent.args);
    BOOST_TEST(got.group == sent.group);
    BOOST_TEST(got.id.value() == *sent.id);
    BOOST_TEST(got.pid == sent.pid);
    BOOST_TEST(got.request_id == sent.request_id);
    BOOST_TEST(!got.wants_data);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::protocol
