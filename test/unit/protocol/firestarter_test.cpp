// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/firestarter.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <csignal>

using namespace einhyrningsins;
using namespace einhyrningsins::protocol;
using config::dialect_name;

BOOST_AUTO_TEST_SUITE(firestarter_dialect)

namespace {

constexpr socket_kind plain{}, firestarter_main{.spoken = dialect_name::firestarter},
    firestarter_group{.spoken = dialect_name::firestarter, .is_of_group = true};

const char* const control = R"({"command":"worker:stop","pid":7,"signal":"SIGINT"})";
const char* const wrapped =
    R"({"command_type":"ctrl_worker","worker":"web1",)"
    R"("command":{"command":"worker:upgrade","pid":7,"signal":null},"pid":7})";

dialect_name dialect_of_line(const char* line, const socket_kind& where) {
    auto read = parse_request(line, where);
    return read ? read->dialect : read.error().dialect;
}

std::string complaint(const char* line) {
    auto read = parse_request(line, firestarter_group);
    BOOST_TEST_REQUIRE(!read);
    BOOST_TEST((read.error().dialect == dialect_name::firestarter));
    BOOST_TEST(boost::json::serialize(*read.error().id) == "\"none\"");
    return read.error().message;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_speaks_it_depends_on_the_socket) {
    BOOST_TEST((dialect_of_line(control, firestarter_group) == dialect_name::firestarter));
    BOOST_TEST((dialect_of_line(control, firestarter_main) == dialect_name::einhyrningsins));
    BOOST_TEST((dialect_of_line(control, plain) == dialect_name::einhyrningsins));
    BOOST_TEST((dialect_of_line(wrapped, firestarter_group) == dialect_name::firestarter));
    BOOST_TEST((dialect_of_line(wrapped, firestarter_main) == dialect_name::firestarter));
    BOOST_TEST((dialect_of_line(wrapped, plain) == dialect_name::einhyrningsins));
}

BOOST_AUTO_TEST_CASE(our_own_dialect_goes_on_working) {
    for (const char* line : {R"({"command":"status"})", R"({"command":"worker:ping","pid":1})",
                             R"({"id":1,"command":"worker:ack","pid":1})"})
        BOOST_TEST((dialect_of_line(line, firestarter_group) == dialect_name::einhyrningsins));
    BOOST_TEST((dialect_of_line("command: status", firestarter_group) == dialect_name::einhorn));
}

BOOST_AUTO_TEST_CASE(a_command_for_the_group_of_the_socket) {
    auto read = parse_request(control, firestarter_group);
    BOOST_TEST_REQUIRE(read.has_value());
    BOOST_TEST(read->command == "worker:stop");
    BOOST_TEST(read->group == "");
    BOOST_TEST(read->pid == 7);
    BOOST_TEST(read->signal == SIGINT);
    BOOST_TEST(boost::json::serialize(*read->id) == "\"worker:stop\"");
}

BOOST_AUTO_TEST_CASE(the_ack_of_the_demo) {
    auto read =
        parse_request(R"({"command":"worker:ack", "pid":0,"signal":null})", firestarter_group);
    BOOST_TEST_REQUIRE(read.has_value());
    BOOST_TEST(read->command == "worker:ack");
    BOOST_TEST(read->pid == 0);
    BOOST_TEST(read->signal == 0);
    BOOST_TEST(parse_request(R"({"command":"worker:ack"})", firestarter_group).has_value());
}

BOOST_AUTO_TEST_CASE(a_command_for_a_named_group) {
    auto read = parse_request(wrapped, firestarter_main);
    BOOST_TEST_REQUIRE(read.has_value());
    BOOST_TEST(read->command == "worker:upgrade");
    BOOST_TEST(read->group == "web1");
}

BOOST_AUTO_TEST_CASE(wrong_requests) {
    BOOST_TEST(complaint(R"({"command_type":"x"})").find("ctrl_worker") != std::string::npos);
    BOOST_TEST(complaint(R"({"command_type":5})").find("command_type") != std::string::npos);
    BOOST_TEST(complaint(R"({"command_type":"ctrl_worker"})").find("worker") != std::string::npos);
    BOOST_TEST(complaint(R"({"command_type":"ctrl_worker","worker":"a"})").find("object") !=
               std::string::npos);
    BOOST_TEST(
        complaint(R"({"command_type":"ctrl_worker","worker":"a","command":{}})").find("''") !=
        std::string::npos);
    BOOST_TEST(complaint(R"({"command":"worker:ack","pid":-1})").find("'pid'") !=
               std::string::npos);
    BOOST_TEST(complaint(R"({"command":"worker:ack","signal":"X"})").find("'signal'") !=
               std::string::npos);
    BOOST_TEST(complaint(R"({"command":"worker:ack","signal":9})").find("'signal'") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_a_client_writes_is_read_again) {
    for (const char* name : {"list", "status", "stop", "worker:inc", "worker:upgrade"}) {
        request what{.command = name, .pid = 5, .dialect = dialect_name::firestarter};
        if (firestarter::find_command(name)) {
            what.group = "web1";
            what.signal = SIGTERM;
        }
        auto read = parse_request(to_line(what), firestarter_main);
        BOOST_TEST_REQUIRE(read.has_value());
        BOOST_TEST(read->command == what.command);
        BOOST_TEST(read->group == what.group);
        BOOST_TEST(read->signal == what.signal);
    }
}

BOOST_AUTO_TEST_CASE(requests_have_all_keys_that_firestarter_wants) {
    request what{
        .command = "worker:status", .group = "a", .pid = 5, .dialect = dialect_name::firestarter};
    BOOST_TEST(to_line(what) ==
               R"({"command_type":"ctrl_worker","worker":"a",)"
               R"("command":{"command":"worker:status","pid":5,"signal":null},"pid":5})"
               "\n");
    what = {.command = "list", .pid = 5, .dialect = dialect_name::firestarter};
    BOOST_TEST(to_line(what) == R"({"command_type":"list","worker":null,"command":null,"pid":5})"
                                "\n");
}

BOOST_AUTO_TEST_CASE(answers) {
    auto line = boost::json::serialize(
        firestarter::entry({"received ack"}, boost::json::value("worker:ack"), 9));
    BOOST_TEST(line ==
               R"({"status":"ok","command":"worker:ack","pid":9,"message":"received ack"})");
    auto read = firestarter::parse_reply(line);
    BOOST_TEST_REQUIRE(read.has_value());
    BOOST_TEST(read->ok);
    BOOST_TEST(read->message == "received ack");
    line = boost::json::serialize(firestarter::entry({.message = "no", .ok = false}, {}, 9));
    BOOST_TEST(line == R"({"status":"error","command":"none","pid":9,"message":"no"})");
    BOOST_TEST(!firestarter::parse_reply(line)->ok);
}

BOOST_AUTO_TEST_CASE(lists_of_answers) {
    auto read = firestarter::parse_reply(
        R"([{"status":"ok","message":"a"},{"status":"error","message":"b"}])");
    BOOST_TEST_REQUIRE(read.has_value());
    BOOST_TEST(read->message == "a\nb");
    BOOST_TEST(!read->ok);
    read = firestarter::parse_reply(boost::json::serialize(firestarter::name_list({"x", "y"}, 1)));
    BOOST_TEST_REQUIRE(read.has_value());
    BOOST_TEST(read->message == "x\ny\n");
    for (const char* wrong :
         {"", "5", "\"Hi there!\"", "[5]", R"({"status":"ok"})", R"({"workers":5})"})
        BOOST_TEST(!firestarter::parse_reply(wrong));
}

BOOST_AUTO_TEST_CASE(sentences) {
    using namespace std::chrono_literals;
    BOOST_TEST(firestarter::status("web1", {24170, 24171}, 6s) ==
               "[web1] active\nprocesses [24170, 24171]\ntime 00:00:06");
    BOOST_TEST(firestarter::status("a", {}, 0s) == "[a] stopped\nprocesses []\ntime 00:00:00");
    BOOST_TEST(firestarter::status("a", {1}, 100h + 61s).ends_with("time 100:01:01"));
    BOOST_TEST(firestarter::started({1, 2}) == "start processes pid [1, 2]");
    BOOST_TEST(firestarter::signalled(SIGTERM, {1}) == "send signal SIGTERM pid [1]");
    BOOST_TEST(firestarter::restarted({3}, {1}) == "restart processes new [3] old [1]");
    BOOST_TEST(firestarter::upgraded({3}, {1}) == "upgrade processes new [3] old [1]");
    BOOST_TEST(firestarter::increased(3) == "increments worker process pid [3]");
    BOOST_TEST(firestarter::decreased(3) == "decrements worker process pid [3]");
    BOOST_TEST(firestarter::killed({1, 2}) == "kill processes pid [1, 2]");
}

BOOST_AUTO_TEST_SUITE_END()
