// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/json_text.hpp"

#include "protocol/yaml.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include <limits>
#include <string>

namespace einhyrningsins::protocol {

namespace json = boost::json;

BOOST_AUTO_TEST_SUITE(protocol_json_text)

BOOST_AUTO_TEST_CASE(a_string_is_quoted_in_one_line) {
    BOOST_TEST(yaml_string("") == R"("")");
    BOOST_TEST(yaml_string("a \"b\"\\\n\t\x1b") == R"("a \"b\"\\\n\u0009\u001b")");
    BOOST_TEST(yaml_string("\u00e4\u20ac\U0001F984") == "\"\u00e4\u20ac\U0001F984\"");
}

BOOST_AUTO_TEST_CASE(what_einhorns_clients_would_decode_is_escaped) {
    BOOST_TEST(yaml_string("100%25 + %0A") == R"("100\u002525 \u002b \u00250A")");
}

BOOST_AUTO_TEST_CASE(what_yaml_forbids_or_folds_is_escaped) {
    BOOST_TEST(yaml_string("\x7f\u0085\u009f\u2028\u2029\ufeff\uffff") ==
               R"("\u007f\u0085\u009f\u2028\u2029\ufeff\uffff")");
    BOOST_TEST(yaml_string("a\xff\xc3") == R"("a\ufffd\ufffd")");
}

BOOST_AUTO_TEST_CASE(any_value_is_written_so_that_json_and_yaml_read_it_again) {
    json::value value = {
        {"a%", {1, -2.5, true, nullptr, "x+y"}}, {"b", json::object()}, {"c", json::array()}};
    std::string text = yaml_text(value);
    BOOST_TEST(text == R"({"a\u0025": [1, -2.5, true, null, "x\u002by"], "b": {}, "c": []})");
    BOOST_TEST(json::parse(text) == value);
    BOOST_TEST((*parse_yaml(text)).at("a%").at(4) == json::value("x+y"));
}

BOOST_AUTO_TEST_CASE(json_is_valid_whatever_is_in_a_text) {
    BOOST_TEST(json_string("caf\xe9 \xc3\xa9\n\t\"%+\x7f") ==
               "\"caf\\ufffd \xc3\xa9\\n\\u0009\\\"%+\x7f\"");
    json::value value = {{"caf\xe9", {"\xff", 1, nullptr}}, {"b", json::object()}};
    BOOST_TEST(json_text(value) == R"({"caf\ufffd":["\ufffd",1,null],"b":{}})");
    json::value sound = {{"a", {1, -2.5, true, nullptr, "\u00e4\n"}}, {"b", json::array()}};
    BOOST_TEST(json::parse(json_text(sound)) == sound);
}

BOOST_AUTO_TEST_CASE(json_of_others_is_the_same_value_and_nothing_that_a_terminal_obeys) {
    BOOST_TEST(printable_json("{\"a\":\t[\"h\303\266\\u001b\",1.50]}\r") ==
               "{\"a\": [\"h\303\266\\u001b\",1.50]} ");
    BOOST_TEST(printable_json("[\"\u009b2J\x7f\x9b\"]") == R"(["\u009b2J\u007f\ufffd"])");
}

BOOST_AUTO_TEST_CASE(numbers_of_json_are_plain_decimals) {
    BOOST_TEST(json_text({4.176, 0.5, 2.0, 1e6, 0.001, -3.25, 12, 18446744073709551615ULL}) ==
               "[4.176,0.5,2.0,1000000.0,0.001,-3.25,12,18446744073709551615]");
}

BOOST_AUTO_TEST_CASE(a_number_that_is_too_large_is_still_a_number) {
    json::value huge = json::parse(std::string(400, '9'));
    for (const std::string& text : {json_text(huge), yaml_text(huge)})
        BOOST_TEST(json::parse(text) == huge, text);
    BOOST_TEST(json_text(-std::numeric_limits<double>::infinity()) == "-1e99999");
}

BOOST_AUTO_TEST_CASE(numbers_have_a_point_and_no_plus) {
    BOOST_TEST(yaml_text({0.0, 0.1, 100000.0, -1234.5, 1e300, 1e-300, 7}) ==
               "[0.0, 0.1, 100000.0, -1234.5, 1e300, 1e-300, 7]");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::protocol
