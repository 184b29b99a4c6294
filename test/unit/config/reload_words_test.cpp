// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/reload_words.hpp"

#include <boost/test/unit_test.hpp>

namespace einhyrningsins::config {
namespace {

using words = std::vector<std::string>;
using enum personality;

/// What was found, in one line.
std::string found(personality who, const words& given) {
    reload_words made = find_reload_words(who, given);
    std::string text = made.check ? "check " : "";
    if (made.state_fd) text += "fd " + *made.state_fd + " ";
    text += "|";
    for (const std::string& word : made.rest)
        text += " " + word;
    return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(config_reload_words)

BOOST_AUTO_TEST_CASE(none) {
    BOOST_TEST(found(einhyrningsins, {}) == "|");
    BOOST_TEST(found(einhyrningsins, {"-n", "4", "--", "app"}) == "| -n 4 -- app");
}

BOOST_AUTO_TEST_CASE(in_front) {
    BOOST_TEST(found(einhyrningsins, {"--with-state-fd", "7", "-n", "4", "app"}) ==
               "fd 7 | -n 4 app");
    BOOST_TEST(found(einhyrningsins, {"--upgrade-check", "--with-state-fd", "3", "app"}) ==
               "check fd 3 | app");
    BOOST_TEST(found(einhorn, {"--upgrade-check", "--", "app"}) == "check | -- app");
    BOOST_TEST(found(einhorn, {"--with-state-fd=12", "--", "app"}) == "fd 12 | -- app");
    BOOST_TEST(found(firestarter, {"--with-state-fd", "7", "run", "-c", "f"}) == "fd 7 | run -c f");
}

BOOST_AUTO_TEST_CASE(after_options_of_a_wrapper) {
    for (const words& before :
         {words{"-v"}, words{"-l", "200"}, words{"-l200"}, words{"-vn", "4"},
          words{"--backlog", "9"}, words{"--backlog=9"}, words{"-c", "--with-state-fd"},
          words{"-c", "--"}, words{"--command-name", "--upgrade-check"}}) {
        words given = before;
        given.insert(given.end(), {"--with-state-fd", "7", "-v", "--", "app", "-x"});
        BOOST_TEST(found(einhorn, given) == "fd 7 | -v -- app -x", before[0]);
        given = before;
        given.insert(given.end(), {"--upgrade-check", "--with-state-fd", "3", "--", "app"});
        BOOST_TEST(found(einhorn, given) == "check fd 3 | -- app", before[0]);
    }
    BOOST_TEST(found(einhorn, {"--back", "9", "--with-state-fd", "7", "app"}) == "fd 7 | app");
    BOOST_TEST(found(firestarter, {"run", "-c", "f", "--with-state-fd", "7"}) == "fd 7 |");
    BOOST_TEST(found(einhyrningsins, {"--of-the-future", "--with-state-fd", "7", "app"}) ==
               "fd 7 | app");
}

BOOST_AUTO_TEST_CASE(the_program_has_options_of_its_own) {
    for (personality who : {einhyrningsins, einhorn})
        for (const words& given :
             {words{"--", "app", "--with-state-fd", "7"},
              words{"app", "--with-state-fd", "7", "--upgrade-check"},
              words{"-n", "4", "app", "--upgrade-check"}, words{"-", "--upgrade-check"}})
            BOOST_TEST(find_reload_words(who, given).rest == given,
                       boost::test_tools::per_element());
    BOOST_TEST(found(einhorn, {"--with-state-fd", "7", "--", "app", "--with-state-fd", "8"}) ==
               "fd 7 | -- app --with-state-fd 8");
}

BOOST_AUTO_TEST_CASE(without_a_value) {
    BOOST_TEST(found(einhyrningsins, {"--with-state-fd"}) == "fd  |");
    BOOST_TEST(found(einhyrningsins, {"--with-state-fds", "7"}) == "| --with-state-fds 7");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::config
