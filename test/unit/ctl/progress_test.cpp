// SPDX-License-Identifier: GPL-3.0-or-later
#include "ctl/progress.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

namespace einhyrningsins::ctl {

namespace {

std::optional<upgrade_progress> read(const char* data) {
    return progress_of({.message = "", .data = boost::json::parse(data), .wait = true});
}

} // namespace

BOOST_AUTO_TEST_SUITE(ctl_progress)

BOOST_AUTO_TEST_CASE(progress_is_read_from_data) {
    auto made = read(R"({"acked": 3, "of": 8, "generation": 2})").value();
    BOOST_TEST(made.acked == 3);
    BOOST_TEST(made.of == 8);
    BOOST_TEST(made.generation == 2);
    BOOST_TEST(read(R"({"acked": 9, "of": 8})").value().acked == 8);
}

BOOST_AUTO_TEST_CASE(any_other_data_is_none) {
    BOOST_TEST(!progress_of({"words only"}).has_value());
    for (const char* data :
         {"null", "[]", "{}", R"({"acked":1})", R"({"acked":0,"of":0})", R"({"acked":-1,"of":3})",
          R"({"acked":"1","of":3})", R"({"acked":1,"of":1e300})"})
        BOOST_TEST(!read(data).has_value(), data);
}

BOOST_AUTO_TEST_CASE(a_bar) {
    BOOST_TEST(progress_bar({0, 2, 3}, 32) == "[            ] 0/2, generation 3");
    BOOST_TEST(progress_bar({1, 2, 3}, 32) == "[######      ] 1/2, generation 3");
    BOOST_TEST(progress_bar({2, 2, 3}, 32) == "[############] 2/2, generation 3");
    BOOST_TEST(progress_bar({1, 2, 0}, 12) == "[###   ] 1/2");
}

BOOST_AUTO_TEST_CASE(a_bar_never_needs_a_second_line) {
    for (std::size_t columns = 0; columns < 200; ++columns)
        for (unsigned acked : {0u, 1u, 999u, 10000u}) {
            std::string bar = progress_bar({acked, 10000, 123}, columns);
            BOOST_REQUIRE_LE(bar.size(), columns);
            BOOST_REQUIRE_LE(bar.size(), 80u);
        }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::ctl
