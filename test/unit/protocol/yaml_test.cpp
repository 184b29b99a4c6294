// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/yaml.hpp"

#include "protocol/line_buffer.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/test/unit_test.hpp>

#include <string>

namespace einhyrningsins::protocol {

namespace json = boost::json;

namespace {

json::value read(std::string_view text) {
    auto made = parse_yaml(text);
    BOOST_REQUIRE_MESSAGE(made.has_value(), text << ": " << made.error());
    return *made;
}

std::string complaint(std::string_view text) {
    auto made = parse_yaml(text);
    BOOST_REQUIRE_MESSAGE(!made.has_value(), text);
    return made.error();
}

bool says(const std::string& text, std::string_view what) {
    return text.find(what) != std::string::npos;
}

/// A list in a list in a list.
std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

} // namespace

BOOST_AUTO_TEST_SUITE(protocol_yaml)

BOOST_AUTO_TEST_CASE(hashes_and_lists_in_both_styles) {
    json::value expected = {{"a", "x"}, {"b", {"y", "z"}}, {"c", {{"d", "e"}}}};
    BOOST_TEST(read("a: x\nb:\n- y\n- z\nc:\n  d: e\n") == expected);
    BOOST_TEST(read("---\na: x\nb:\n  - y\n  - z\nc: {d: e}\n...\n") == expected);
    BOOST_TEST(read("{a: x, b: [y, z], c: {\"d\": 'e'}}") == expected);
    BOOST_TEST(read("a: []\nb: {}") == (json::value{{"a", json::array()}, {"b", json::object()}}));
    BOOST_TEST(read("? a\n: x") == (json::value{{"a", "x"}}));
}

BOOST_AUTO_TEST_CASE(scalars_without_quotes_are_what_ruby_takes_them_for) {
    BOOST_TEST(read("[0, 7, -7, +7, 9223372036854775807]") ==
               (json::value{0, 7, -7, 7, 9223372036854775807}));
    BOOST_TEST(read("[1.5, -0.25, 1.0e3, 0.5]") == (json::value{1.5, -0.25, 1000.0, 0.5}));
    BOOST_TEST(read("[true, Yes, ON, false, no, oFF]") ==
               (json::value{true, true, true, false, false, false}));
    BOOST_TEST(read("[~, null, NULL]") == (json::value{nullptr, nullptr, nullptr}));
    BOOST_TEST(read("a:\nb: 1") == (json::value{{"a", nullptr}, {"b", 1}}));
    for (const char* text : {"007", "1e", "1.2.3", "1-2", "inf", "nan", ".5", "truee", "1 2",
                             "99999999999999999999", "worker:ack", ":symbol", "12h", "0x1F"})
        BOOST_TEST(read(std::string("- ") + text).at(0) == json::value(text), text);
}

BOOST_AUTO_TEST_CASE(scalars_in_quotes_and_blocks_are_strings) {
    BOOST_TEST(read("['3', \"4\", 'true', '', \"~\", 'it''s']") ==
               (json::value{"3", "4", "true", "", "~", "it's"}));
    BOOST_TEST(read("\"a\\n\\u00e4\\\"\\x41\"") == json::value("a\n\u00e4\"A"));
    BOOST_TEST(read("a: |-\n  x\n  y\nb: |\n  7\nc: >-\n  x\n  y\n") ==
               (json::value{{"a", "x\ny"}, {"b", "7\n"}, {"c", "x y"}}));
    BOOST_TEST(read("a: x\n  y\n") == (json::value{{"a", "x y"}})); // long lines of Ruby's
}

BOOST_AUTO_TEST_CASE(keys_are_strings_and_the_last_of_two_counts) {
    BOOST_TEST(read("1: a\ntrue: b\n~: c") == (json::value{{"1", "a"}, {"true", "b"}, {"", "c"}}));
    BOOST_TEST(read("a: 1\na: 2").at("a") == json::value(2));
    BOOST_TEST(says(complaint("[1]: a"), "key"));
    BOOST_TEST(says(complaint("? {a: b}\n: c"), "key"));
}

BOOST_AUTO_TEST_CASE(tags_anchors_and_aliases_are_refused) {
    for (const char* text : {"!ruby/object:Set {}", "a: !!str x", "- !x y", "!<tag:a> [1]",
                             "a: !!binary aGk=", "a: !ruby/symbol b", "- !!null"})
        BOOST_TEST(says(complaint(text), "tags"), text);
    for (const char* text : {"a: &x 1\nb: *x", "&x {a: b}", "- &x [1]", "- &x\n"})
        BOOST_TEST(says(complaint(text), "anchors"), text);
    BOOST_TEST(!complaint("a: *unknown").empty());
}

BOOST_AUTO_TEST_CASE(depth_and_length_are_bounded) {
    BOOST_TEST(read(nested(8)).is_array());
    BOOST_TEST(says(complaint(nested(9)), "deep"));
    BOOST_TEST(!complaint(std::string(60000, '[')).empty());
    BOOST_TEST(!complaint(std::string(60000, '{')).empty());
    std::string blocks, hashes;
    for (int i = 0; i < 30000; ++i)
        blocks += "- ", hashes += "? ";
    BOOST_TEST(says(complaint(blocks), "deep"));
    BOOST_TEST(says(complaint(hashes), "key"));
    BOOST_TEST(says(complaint(std::string(longest_line + 1, 'x')), "long"));
    BOOST_TEST(read(std::string(longest_line, 'x')).is_string());
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_said_in_one_short_line) {
    for (const char* text :
         {"a: b: c", "{a: b", "[1, 2", "a: 'x", "- a\nb: c", "\"\\q\"", "a: b\n---\nc: d",
          "{a: b} trailing", "\x01", "a: \xff", "*\xc3\xa4\xc3\xa4"}) {
        std::string why = complaint(text);
        BOOST_TEST(!why.empty(), text);
        BOOST_TEST(why.size() < 200, why);
        BOOST_TEST(why.find('\n') == why.npos, why);
    }
    BOOST_TEST(says(complaint("a: b\nc: 'x"), "line 2"));
    BOOST_TEST(!complaint(std::string_view("a: \0", 4)).empty());
}

BOOST_AUTO_TEST_CASE(nothing_is_nothing) {
    BOOST_TEST(read("").is_null());
    BOOST_TEST(read("--- ").is_null());
    BOOST_TEST(read("# a comment").is_null());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::protocol
