// SPDX-License-Identifier: GPL-3.0-or-later
#include "ctl/einhorn_arguments.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

namespace einhyrningsins::ctl {
namespace {

auto parse(std::vector<std::string> words, std::string directory = "/var/tmp") {
    words.insert(words.begin(), "einhornsh");
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    return parse_einhorn_arguments(static_cast<int>(words.size()), argv.data(), directory);
}

einhorn_arguments parsed(const std::vector<std::string>& words) {
    auto made = parse(words);
    BOOST_REQUIRE_MESSAGE(made, made.error());
    return *made;
}

std::string path(const std::vector<std::string>& words) { return parsed(words).socket_path; }

std::string complaint_about(const std::vector<std::string>& words) {
    auto made = parse(words);
    BOOST_REQUIRE(!made);
    return made.error();
}

} // namespace

BOOST_AUTO_TEST_SUITE(ctl_einhorn_arguments)

BOOST_AUTO_TEST_CASE(where_the_master_is) {
    BOOST_TEST(path({}) == "/var/tmp/einhorn.sock");
    BOOST_TEST(path({"web"}) == "/var/tmp/einhorn-web.sock");
    BOOST_TEST(path({"-c", "web"}) == "/var/tmp/einhorn-web.sock");
    BOOST_TEST(path({"--command-name=web"}) == "/var/tmp/einhorn-web.sock");
    BOOST_TEST(path({"-c", "web", "other"}) == "/var/tmp/einhorn-web.sock");
    BOOST_TEST(path({"-d", "/run/s", "web"}) == "/run/s");
    BOOST_TEST(path({"--socket=/run/s"}) == "/run/s");
    BOOST_TEST(parse({}, "/tmp//")->socket_path == "/tmp/einhorn.sock");
    BOOST_TEST(parse({}, "/")->socket_path == "/einhorn.sock");
}

BOOST_AUTO_TEST_CASE(options_may_follow_the_name) {
    einhorn_arguments given = parsed({"web", "-e", "inc; dec"});
    BOOST_TEST(given.socket_path == "/var/tmp/einhorn-web.sock");
    BOOST_TEST(given.script.value() == "inc; dec");
    BOOST_TEST(parsed({"web", "-h"}).help);
    BOOST_TEST(!parsed({"web"}).script.has_value());
}

BOOST_AUTO_TEST_CASE(what_is_wrong) {
    BOOST_TEST(complaint_about({"a", "b"}) ==
               "'b' is too much: there is one NAME; commands are given with -e");
    BOOST_TEST(complaint_about({"-e"}) == "option '-e' needs a value");
    BOOST_TEST(complaint_about({"--execute"}) == "option '--execute' needs a value");
    BOOST_TEST(complaint_about({"-x"}) ==
               "option '-x' is unknown, ambiguous or takes no value; --help lists all");
    BOOST_TEST(complaint_about({"--nosuch"}) ==
               "option '--nosuch' is unknown, ambiguous or takes no value; --help lists all");
    BOOST_TEST(complaint_about({"-d", ""}) == "the path of the control socket is empty");
    BOOST_TEST(complaint_about({"-d", std::string(108, 'x')})
                   .ends_with("the path of a unix socket may have at most 107 bytes"));
    for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
             {"-d", "a\nb"}, {"-c", "a\nb"}, {"a\nb"}, {"a", "b\n"}, {"--no\npe"}})
        BOOST_TEST(complaint_about(wrong).find('\n') == std::string::npos);
    BOOST_TEST(complaint_about({std::string(108, 'n')}).find("107 bytes") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::ctl
