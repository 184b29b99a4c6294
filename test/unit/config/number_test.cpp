// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/number.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>

namespace einhyrningsins::config {

using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(config_number)

BOOST_AUTO_TEST_CASE(whole_numbers_in_their_range) {
    BOOST_TEST(parse_number("1", 1, 10).value() == 1);
    BOOST_TEST(parse_number("10", 1, 10).value() == 10);
    BOOST_TEST(parse_number("007", 1, 10).value() == 7);
    BOOST_TEST(parse_number("-20", -20, 19).value() == -20);
    BOOST_TEST(parse_number("0660", 0, 0777, 8).value() == 0660);
}

BOOST_AUTO_TEST_CASE(nothing_else_is_a_number) {
    for (const char* text : {"", " 1", "1 ", "+1", "1.0", "1e1", "0x1", "one", "-", "0", "11",
                             "99999999999999999999", "-1"})
        BOOST_TEST(!parse_number(text, 1, 10).has_value(), text);
    BOOST_TEST(!parse_number("8", 0, 0777, 8).has_value());
}

BOOST_AUTO_TEST_CASE(seconds_have_fractions) {
    BOOST_TEST((parse_seconds("0") == 0s));
    BOOST_TEST((parse_seconds("30") == 30s));
    BOOST_TEST((parse_seconds("0.25") == 250ms));
    BOOST_TEST((parse_seconds(".5") == 500ms));
    BOOST_TEST((parse_seconds("10000000") == 10'000'000s));
}

BOOST_AUTO_TEST_CASE(seconds_are_finite_and_not_negative) {
    for (const char* text :
         {"", "-1", "-0.1", "10000001", "1e3", "inf", "nan", "1s", " 1", "1,5", "0x10", "+1", "."})
        BOOST_TEST(!parse_seconds(text).has_value(), text);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::config
