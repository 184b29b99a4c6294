// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/command_line.hpp"
#include "config/option.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace einhyrningsins::config {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t start = 0, end; start < text.size(); start = end + 1) {
        end = text.find('\n', start);
        BOOST_REQUIRE(end != std::string::npos);
        lines.push_back(text.substr(start, end - start));
    }
    return lines;
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(config_help_text)

BOOST_AUTO_TEST_CASE(every_option_has_its_line) {
    std::string text = help_text();
    for (const option& one : options()) {
        std::string line = one.letter ? std::string("\n  -") + one.letter + ", --" : "\n      --";
        line += one.name;
        if (one.argument) line += std::string(" ") + one.argument;
        bool there = contains(text, line + "  ") || contains(text, line + "\n");
        BOOST_TEST(there, one.name);
    }
}

BOOST_AUTO_TEST_CASE(nothing_else_looks_like_an_option) {
    std::size_t count = 0;
    for (const std::string& line : lines_of(help_text()))
        if (line.starts_with("  -") || line.starts_with("      --")) ++count;
    BOOST_TEST(count == options().size());
}

BOOST_AUTO_TEST_CASE(it_fits_a_terminal) {
    for (const std::string& line : lines_of(help_text())) {
        BOOST_TEST(line.size() <= 100u, line);
        BOOST_TEST(!line.ends_with(' '), line);
    }
}

BOOST_AUTO_TEST_CASE(what_it_begins_and_ends_with) {
    auto lines = lines_of(help_text());
    BOOST_TEST(lines.front() == "Usage: einhyrningsins [OPTIONS] [--] PROGRAM [ARGS...]");
    BOOST_TEST(contains(lines.back(), "einhyrningsins(1)"));
    for (const char* heading :
         {"Workers:", "Listeners:", "Acknowledgement:", "Upgrades and stopping:",
          "Control socket and files:", "Logging:", "Other:", "Examples:"})
        BOOST_TEST((std::find(lines.begin(), lines.end(), heading) != lines.end()), heading);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::config
