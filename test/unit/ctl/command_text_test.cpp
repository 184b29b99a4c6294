// SPDX-License-Identifier: GPL-3.0-or-later
#include "ctl/command_text.hpp"

#include <boost/test/unit_test.hpp>

namespace einhyrningsins::ctl {

namespace {

using commands = std::vector<command_words>;

commands read(std::string_view text) {
    auto made = parse_commands(text);
    BOOST_REQUIRE_MESSAGE(made.has_value(), made.error());
    return *made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(ctl_command_text)

BOOST_AUTO_TEST_CASE(commands_and_words) {
    BOOST_TEST(
        (read("inc; ehlo ;set_workers  4;") == commands{{"inc"}, {"ehlo"}, {"set_workers", "4"}}));
    BOOST_TEST((read("ehlo\ninc web\r\n") == commands{{"ehlo"}, {"inc", "web"}}));
    for (const char* nothing : {"", " ", ";", " ; \n;; "})
        BOOST_TEST((read(nothing) == commands{}), nothing);
}

BOOST_AUTO_TEST_CASE(quotes_are_those_of_sh) {
    BOOST_TEST((read(R"(inc 'a b;c')") == commands{{"inc", "a b;c"}}));
    BOOST_TEST((read(R"(inc "a 'b' \"c\" \\ \n")") == commands{{"inc", R"(a 'b' "c" \ \n)"}}));
    BOOST_TEST((read(R"(inc 'a\')") == commands{{"inc", R"(a\)"}}));
    BOOST_TEST((read(R"(inc a\ b\;c)") == commands{{"inc", "a b;c"}}));
    BOOST_TEST((read(R"(in"c" a'b'"c")") == commands{{"inc", "abc"}}));
    BOOST_TEST((read(R"(inc '' "")") == commands{{"inc", "", ""}}));
    BOOST_TEST((read("inc a\\") == commands{{"inc", "a\\"}}));
}

BOOST_AUTO_TEST_CASE(config_takes_json_as_it_is) {
    BOOST_TEST((read(R"(config {"a": "x; y", "b": [1, 2]} ; inc)") ==
                commands{{"config", R"({"a": "x; y", "b": [1, 2]})"}, {"inc"}}));
    BOOST_TEST((read(R"(config {"a": "it's \"so\""})") ==
                commands{{"config", R"({"a": "it's \"so\""})"}}));
    BOOST_TEST((read(R"(config '{"number": 3}')") == commands{{"config", R"({"number": 3})"}}));
}

BOOST_AUTO_TEST_CASE(an_open_quote_is_named) {
    BOOST_TEST(parse_commands("inc 'a").error().find('\'') != std::string::npos);
    BOOST_TEST(parse_commands("ehlo; inc \"a; b").error().find('"') != std::string::npos);
    BOOST_TEST(parse_commands("config {\"a").has_error());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::ctl
