// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/quote.hpp"

#include <boost/test/unit_test.hpp>

namespace einhyrningsins::config {

BOOST_AUTO_TEST_SUITE(config_quote)

BOOST_AUTO_TEST_CASE(plain_text_stays) {
    BOOST_TEST(quote("") == "''");
    BOOST_TEST(quote("a b") == "'a b'");
    BOOST_TEST(quote("h\303\266st") == "'h\303\266st'");
}

BOOST_AUTO_TEST_CASE(control_characters_do_not_reach_the_terminal) {
    BOOST_TEST(quote(std::string_view("a\nb\x1b[1m\0\x7f", 9)) == "'a?b?[1m?\?'");
}

BOOST_AUTO_TEST_CASE(long_text_is_cut_off) {
    BOOST_TEST(quote(std::string(200, 'x')) == "'" + std::string(200, 'x') + "'");
    BOOST_TEST(quote(std::string(201, 'x')) == "'" + std::string(200, 'x') + "...'");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::config
