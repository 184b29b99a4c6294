// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/printable.hpp"

#include "core/utf8.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

namespace einhyrningsins::core {

BOOST_AUTO_TEST_SUITE(core_printable)

BOOST_AUTO_TEST_CASE(text_stays) {
    for (const char* text : {"", "a b~", "h\303\266st", "\u20ac", "\U0001F984", "\u00a0"})
        BOOST_TEST(printable(text) == text);
}

BOOST_AUTO_TEST_CASE(control_characters_become_question_marks) {
    using namespace std::string_view_literals;
    BOOST_TEST(printable("a\nb\rc\td\0e\x1f"sv) == "a?b?c?d?e?");
    BOOST_TEST(printable("\x1b[1m\x7f") == "?[1m?");
    BOOST_TEST(printable("\u0080\u009b2J\u009f") ==
               "??2J?"); // U+009B begins a sequence, as ESC [ does
}

BOOST_AUTO_TEST_CASE(what_is_no_utf8_is_replaced_byte_by_byte) {
    BOOST_TEST(printable("caf\xe9") == "caf\ufffd");
    BOOST_TEST(printable("\x9b"
                         "2J") == "\ufffd2J");
    BOOST_TEST(printable("\xe2\x82") == "\ufffd\ufffd");           // cut off
    BOOST_TEST(printable("\xc0\x9b") == "\ufffd\ufffd");           // overlong
    BOOST_TEST(printable("\xed\xa0\x80") == "\ufffd\ufffd\ufffd"); // a surrogate
}

BOOST_AUTO_TEST_CASE(lines_stay_lines) {
    BOOST_TEST(printable_lines("") == "");
    BOOST_TEST(printable_lines("a\n\nb\xe9\x1b\r\n") == "a\n\nb\ufffd??\n");
    BOOST_TEST(printable_lines("\n\x9b") == "\n\ufffd");
}

BOOST_AUTO_TEST_CASE(random_bytes_become_a_line_of_utf8) {
    std::mt19937 random(4711);
    for (int round = 0; round < 2000; ++round) {
        std::string text(random() % 40, '\0');
        for (char& c : text)
            c = static_cast<char>(random());
        std::string shown = printable(text);
        BOOST_TEST(printable(shown) == shown);
        for (std::string_view rest = shown; !rest.empty();) {
            char32_t c = take_character(rest);
            BOOST_TEST((c != ill_formed && c >= ' ' && (c < 0x7f || c >= 0xa0)));
        }
    }
}

BOOST_AUTO_TEST_CASE(long_text_is_clipped_between_characters) {
    BOOST_TEST(clipped("abc", 3) == "abc");
    BOOST_TEST(clipped("abcd", 3) == "abc");
    BOOST_TEST(clipped("ab\u00e4", 3) == "ab");
    BOOST_TEST(clipped("\U0001F984x", 3) == "");
    BOOST_TEST(clipped(std::string(20, '\x80'), 10) == std::string(10, '\x80'));
    BOOST_TEST(quoted("ab\u00e4", 3) == "'ab...'");
    BOOST_TEST(quoted("a\nb", 3) == "'a?b'");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::core
