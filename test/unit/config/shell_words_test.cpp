// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/shell_words.hpp"

#include <boost/test/unit_test.hpp>

namespace einhyrningsins::config {
namespace {

using words = std::vector<std::string>;

std::optional<std::string> value_of(std::string_view name) {
    if (name == "HOME") return "/home/a b";
    if (name == "EMPTY") return "";
    if (name == "_x1") return "'";
    return std::nullopt;
}

words split(std::string_view text, const variable_lookup& variables = value_of) {
    auto all = split_shell_words(text, variables);
    BOOST_REQUIRE_MESSAGE(all, all.error().message);
    return *all;
}

std::string complaint_about(std::string_view text) {
    auto all = split_shell_words(text, value_of);
    BOOST_REQUIRE(!all);
    return all.error().message;
}

void check(std::string_view text, const words& expected) {
    BOOST_TEST(split(text) == expected, boost::test_tools::per_element());
}

} // namespace

BOOST_AUTO_TEST_SUITE(config_shell_words)

BOOST_AUTO_TEST_CASE(blanks_separate) {
    check("", {});
    check(" \t\n", {});
    check("a", {"a"});
    check("  a\tbc \n d ", {"a", "bc", "d"});
}

BOOST_AUTO_TEST_CASE(quotations_join) {
    check("'a b' \"c d\"", {"a b", "c d"});
    check("a' 'b\" \"c", {"a b c"});
    check("'' \"\" x''", {"", "", "x"});
    check("'\"' \"'\"", {"\"", "'"});
}

BOOST_AUTO_TEST_CASE(a_backslash_quotes_as_in_a_shell) {
    check("a\\ b \\\\ \\' \\$HOME \\x", {"a b", "\\", "'", "$HOME", "x"});
    check("'\\' \"\\\\ \\\" \\$HOME \\` \\x\"", {"\\", "\\ \" $HOME ` \\x"});
}

BOOST_AUTO_TEST_CASE(variables_are_not_split_again) {
    check("$HOME ${HOME}x \"$HOME\" '$HOME'", {"/home/a b", "/home/a bx", "/home/a b", "$HOME"});
    check("$EMPTY x$EMPTY", {"", "x"});
    check("$_x1.", {"'."});
    check("$$ $$HOME \"$$\" '$$'", {"$", "$HOME", "$", "$$"});
}

BOOST_AUTO_TEST_CASE(without_variables_a_dollar_sign_is_itself) {
    BOOST_TEST(split("$HOME $ \"$$\"", {}) == (words{"$HOME", "$", "$$"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_wrong) {
    BOOST_TEST(complaint_about("a 'b") == "'a 'b' ends within a quotation: a ' is missing");
    BOOST_TEST(complaint_about("\"b\\\"") == "'\"b\\\"' ends within a quotation: a \" is missing");
    BOOST_TEST(complaint_about("b\\") ==
               "'b\\' ends within a quotation: a character is missing after the last backslash");
    BOOST_TEST(complaint_about("x $NOPE") ==
               "'x $NOPE': variable 'NOPE' is not set; write '$$' for a dollar sign");
    for (const char* text : {"$", "$ x", "${", "${}", "${HOME", "$1", "${1x}", "$(x)", "\"$\""})
        BOOST_TEST(complaint_about(text).ends_with(
            ": '$' must be followed by NAME or {NAME}; write '$$' for a dollar sign"));
}

BOOST_AUTO_TEST_CASE(names_of_variables) {
    for (const char* name : {"A", "_", "a1_B"})
        BOOST_TEST(is_variable_name(name), name);
    for (const char* name : {"", "1a", "a-b", "a b", "\xc3\xa4"})
        BOOST_TEST(!is_variable_name(name), name);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::config
