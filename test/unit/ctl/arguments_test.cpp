// SPDX-License-Identifier: GPL-3.0-or-later
#include "ctl/arguments.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace einhyrningsins::ctl {

namespace {

using words = std::vector<std::string>;

auto parse(words line) {
    line.insert(line.begin(), "einhyrningsinsctl");
    std::vector<char*> argv;
    for (std::string& word : line)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    return parse_arguments(static_cast<int>(line.size()), argv.data());
}

arguments read(words line) {
    auto made = parse(std::move(line));
    BOOST_REQUIRE_MESSAGE(made.has_value(), made.error());
    return *made;
}

bool complains(words line, std::string_view of) {
    auto made = parse(std::move(line));
    BOOST_REQUIRE(made.has_error());
    BOOST_TEST_INFO(made.error());
    return made.error().find(of) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(ctl_arguments)

BOOST_AUTO_TEST_CASE(nothing_is_a_shell) {
    arguments made = read({});
    BOOST_TEST(made.socket_path == "/tmp/einhorn.sock");
    BOOST_TEST(made.timeout == 10);
    BOOST_TEST(made.command.empty());
    BOOST_TEST(!made.script.has_value());
    BOOST_TEST(!made.json);
}

BOOST_AUTO_TEST_CASE(where_the_master_is) {
    BOOST_TEST(read({"-c", "web"}).socket_path == "/tmp/einhorn-web.sock");
    BOOST_TEST(read({"--command-name=web"}).socket_path == "/tmp/einhorn-web.sock");
    BOOST_TEST(read({"-d", "/run/e.sock"}).socket_path == "/run/e.sock");
    BOOST_TEST(read({"-d/run/e.sock", "-c", "web"}).socket_path == "/run/e.sock");
    BOOST_TEST(complains({"-d", ""}, "path"));
    BOOST_TEST(complains({"-d", std::string(108, 'x')}, "107"));
    BOOST_TEST(read({"-d", std::string(107, 'x')}).socket_path.size() == 107);
}

BOOST_AUTO_TEST_CASE(options_end_where_the_command_begins) {
    arguments made = read({"--json", "-g", "web", "signal", "--json", "-x"});
    BOOST_TEST(made.json);
    BOOST_TEST(made.group == "web");
    BOOST_TEST(made.command == (words{"signal", "--json", "-x"}));
    BOOST_TEST(read({"--", "--json"}).command == words{"--json"});
}

BOOST_AUTO_TEST_CASE(scripts) {
    BOOST_TEST(read({"-e", "inc; ehlo"}).script.value() == "inc; ehlo\n");
    BOOST_TEST(read({"-e", "inc", "--execute", "dec"}).script.value() == "inc\ndec\n");
    BOOST_TEST(complains({"-e", "inc", "ehlo"}, "'ehlo'"));
}

BOOST_AUTO_TEST_CASE(timeouts) {
    BOOST_TEST(read({"--timeout", "0.25"}).timeout == 0.25);
    BOOST_TEST(read({"--timeout=0"}).timeout == 0);
    for (const char* wrong :
         {"", "x", "-1", "1s", "1e9", "0x10", "inf", "nan", ".", "1.2.3", " 1", "99999999999"})
        BOOST_TEST(complains({"--timeout", wrong}, "--timeout"), wrong);
}

BOOST_AUTO_TEST_CASE(typing_errors_are_named) {
    BOOST_TEST(complains({"--jsno"}, "did you mean '--json'"));
    BOOST_TEST(complains({"--jsno="}, "unknown option '--jsno' (did you mean '--json'"));
    BOOST_TEST(complains({"-x"}, "'-x'"));
    BOOST_TEST(complains({"-hx"}, "'-x'"));
    BOOST_TEST(complains({"-d"}, "PATH"));
    BOOST_TEST(complains({"--timeout"}, "SECONDS"));
    BOOST_TEST(complains({"--json=1"}, "'--json' takes no value"));
}

/// What is wrong is said in one line, whatever the words contain.
BOOST_AUTO_TEST_CASE(control_characters_are_not_repeated) {
    for (const words& wrong : std::vector<words>{{"-d", "/tmp/a\nb"},
                                                 {"-d", "/tmp/a\x1b[2J"},
                                                 {"-c", "a\nb"},
                                                 {"--tim\neout", "3"},
                                                 {"--json=\n"},
                                                 {"--timeout", "3\n"},
                                                 {"-e", "help", "a\nb"}}) {
        auto made = parse(wrong);
        BOOST_REQUIRE_MESSAGE(!made, wrong[0]);
        bool is_plain =
            std::ranges::none_of(made.error(), [](char c) { return c >= 0 && c < ' '; });
        BOOST_TEST(is_plain, made.error());
    }
    BOOST_TEST(
        complains({"-c", "a\nb"}, "'/tmp/einhorn-a?b.sock': a path must not contain control"));
}

BOOST_AUTO_TEST_CASE(help_and_version) {
    BOOST_TEST(read({"-h"}).help);
    BOOST_TEST(read({"--help"}).help);
    BOOST_TEST(read({"--version"}).version);
    for (const char* option :
         {"--command-name NAME", "--socket-path PATH", "--execute COMMANDS", "--group GROUP",
          "--json", "--timeout SECONDS", "--help", "--version", "upgrade_fleet"})
        BOOST_TEST(usage().find(option) != std::string::npos, option);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::ctl
