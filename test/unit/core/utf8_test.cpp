// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/utf8.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace einhyrningsins::core {

namespace {

/// The first character and how many bytes it took.
std::pair<char32_t, std::size_t> first(std::string_view text) {
    std::string_view rest = text;
    char32_t c = take_character(rest);
    return {c, text.size() - rest.size()};
}

} // namespace

BOOST_AUTO_TEST_SUITE(core_utf8)

BOOST_AUTO_TEST_CASE(characters_of_one_to_four_bytes) {
    using expected = std::pair<char32_t, std::size_t>;
    BOOST_TEST((first("ab") == expected('a', 1)));
    BOOST_TEST((first(std::string_view("\0", 1)) == expected(0, 1)));
    BOOST_TEST((first("\u00e4x") == expected(0xE4, 2)));
    BOOST_TEST((first("\u20acx") == expected(0x20AC, 3)));
    BOOST_TEST((first("\U0001F984x") == expected(0x1F984, 4)));
    BOOST_TEST((first("\xf4\x8f\xbf\xbf") == expected(0x10FFFF, 4)));
}

BOOST_AUTO_TEST_CASE(of_an_ill_formed_sequence_one_byte_is_taken) {
    for (const char* text :
         {"\x80", "\xff", "\xc3", "\xc3x", "\xe2\x82", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80",
          "\xf4\x90\x80\x80", "\xf0\x80\x80\x80"}) {
        BOOST_TEST((first(text).first == ill_formed), text);
        BOOST_TEST(first(text).second == 1u, text);
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::core
