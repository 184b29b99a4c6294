// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/reply.hpp"

#include <boost/json/object.hpp>
#include <boost/test/unit_test.hpp>

#include <string>

namespace einhyrningsins::protocol {

namespace json = boost::json;

BOOST_AUTO_TEST_SUITE(protocol_reply)

BOOST_AUTO_TEST_CASE(without_an_id_it_is_a_string) {
    BOOST_TEST(to_line({"Acknowledged!"}, std::nullopt) == "\"Acknowledged!\"\n");
    reply refusal{.message = "a \"b\"\nc", .ok = false, .data = json::object()};
    BOOST_TEST(to_line(refusal, std::nullopt) == "\"a \\\"b\\\"\\nc\"\n");
}

BOOST_AUTO_TEST_CASE(with_an_id_it_is_an_object) {
    BOOST_TEST(to_line({"Hi there!"}, json::value(7)) ==
               "{\"request_id\":7,\"message\":\"Hi there!\",\"ok\":true}\n");
    reply progress{.message = "1 of 2", .data = json::object{{"acked", 1}}, .wait = true};
    BOOST_TEST(to_line(progress, json::value("up")) ==
               "{\"request_id\":\"up\",\"message\":\"1 of 2\",\"ok\":true,\"data\":{\"acked\":1},"
               "\"wait\":true}\n");
    reply refusal{.message = "no", .ok = false};
    BOOST_TEST(to_line(refusal, json::value(1)) ==
               "{\"request_id\":1,\"message\":\"no\",\"ok\":false}\n");
}

BOOST_AUTO_TEST_CASE(what_is_written_is_read_again) {
    reply sent{.message = "a\nb", .ok = false, .data = json::object{{"x", 1}}, .wait = true};
    reply got = parse_reply(to_line(sent, json::value(1))).value();
    BOOST_TEST(got.message == sent.message);
    BOOST_TEST(got.ok == false);
    BOOST_TEST(got.wait == true);
    BOOST_TEST(got.data.value() == *sent.data);
}

BOOST_AUTO_TEST_CASE(a_client_takes_a_plain_string_as_well) {
    reply got = parse_reply("\"Hi there!\"").value();
    BOOST_TEST(got.message == "Hi there!");
    BOOST_TEST(got.ok);
    BOOST_TEST(!got.wait);
}

BOOST_AUTO_TEST_CASE(missing_and_wrong_keys_have_defaults) {
    reply got = parse_reply(R"({"message":"x","ok":"no","wait":1})").value();
    BOOST_TEST(got.ok);
    BOOST_TEST(!got.wait);
    BOOST_TEST(!got.data.has_value());
}

BOOST_AUTO_TEST_CASE(a_path_with_any_bytes_does_no_harm) {
    BOOST_TEST(parse_reply("{\"message\":\"/tmp/\xe4.sock\"}").value().message == "/tmp/\xe4.sock");
}

BOOST_AUTO_TEST_CASE(anything_else_is_no_reply) {
    for (const char* line : {"", "{", "[]", "3", "null", "{}", R"({"message":3})", "Hi there!"})
        BOOST_TEST(!parse_reply(line).has_value(), line);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::protocol
