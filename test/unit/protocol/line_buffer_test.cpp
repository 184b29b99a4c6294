// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/line_buffer.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace einhyrningsins::protocol {

BOOST_AUTO_TEST_SUITE(protocol_line_buffer)

BOOST_AUTO_TEST_CASE(lines_come_out_as_they_went_in) {
    line_buffer lines;
    lines.append("one\ntwo\r\n\nth");
    BOOST_TEST(lines.next().value() == "one");
    BOOST_TEST(lines.next().value() == "two");
    BOOST_TEST(lines.next().value() == "");
    BOOST_TEST(!lines.next().has_value());
    lines.append("ree\nrest");
    BOOST_TEST(lines.next().value() == "three");
    BOOST_TEST(!lines.next().has_value());
    BOOST_TEST(!lines.overflowed());
}

BOOST_AUTO_TEST_CASE(a_line_may_come_byte_by_byte) {
    line_buffer lines;
    for (char c : std::string("hello\r\n")) {
        BOOST_TEST(!lines.next().has_value());
        lines.append({&c, 1});
    }
    BOOST_TEST(lines.next().value() == "hello");
}

BOOST_AUTO_TEST_CASE(a_carriage_return_within_a_line_stays) {
    line_buffer lines;
    lines.append("a\rb\n");
    BOOST_TEST(lines.next().value() == "a\rb");
}

BOOST_AUTO_TEST_CASE(the_longest_line_is_taken) {
    line_buffer lines;
    std::string longest(longest_line - 1, 'x');
    lines.append(longest);
    BOOST_TEST(!lines.next().has_value());
    BOOST_TEST(!lines.overflowed());
    lines.append("\nnext\n");
    BOOST_TEST(!lines.overflowed());
    BOOST_TEST(lines.next().value().size() == longest.size());
    BOOST_TEST(lines.next().value() == "next");
}

BOOST_AUTO_TEST_CASE(a_longer_line_is_refused_whole_or_not) {
    std::string too_long(longest_line, 'x');
    for (const std::string& text : {too_long, too_long + "\n", too_long + "\nnext\n"}) {
        line_buffer lines;
        lines.append("first\n" + text);
        BOOST_TEST(!lines.overflowed());
        BOOST_TEST(lines.next().value() == "first");
        BOOST_TEST(!lines.next().has_value());
        BOOST_TEST(lines.overflowed());
        BOOST_TEST(!lines.next().has_value());
    }
}

BOOST_AUTO_TEST_CASE(many_lines_in_one_piece) {
    line_buffer lines;
    std::string piece;
    for (int i = 0; i < 10000; ++i)
        piece += std::to_string(i) + "\n";
    lines.append(piece);
    for (int i = 0; i < 10000; ++i)
        BOOST_REQUIRE(lines.next().value() == std::to_string(i));
    BOOST_TEST(!lines.next().has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::protocol
