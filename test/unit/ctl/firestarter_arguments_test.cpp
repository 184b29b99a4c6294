// SPDX-License-Identifier: GPL-3.0-or-later
#include "ctl/firestarter_arguments.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <string>
#include <vector>

using namespace einhyrningsins::ctl;
using enum firestarter_arguments::subcommand;

BOOST_AUTO_TEST_SUITE(firestarter_client)

namespace {

auto parse(std::vector<std::string> words) {
    words.insert(words.begin(), "firestarter");
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    return parse_firestarter_arguments(static_cast<int>(words.size()), argv.data(), "/d.socket");
}

std::string complaint(const std::vector<std::string>& words) {
    auto given = parse(words);
    BOOST_TEST_REQUIRE(!given);
    return given.error();
}

bool has(const std::string& text, const char* part) { return text.find(part) != text.npos; }

} // namespace

BOOST_AUTO_TEST_CASE(subcommands) {
    BOOST_TEST((parse({})->what == usage));
    BOOST_TEST((parse({"list"})->what == list));
    BOOST_TEST((parse({"status"})->what == status));
    BOOST_TEST((parse({"stop"})->what == stop));
    BOOST_TEST((parse({"help"})->what == help));
    BOOST_TEST((parse({"-h"})->what == help));
    BOOST_TEST((parse({"-V"})->what == version));
    BOOST_TEST(parse({"help", "ctrl"})->topic == "ctrl");
    BOOST_TEST(parse({"ctrl", "-h"})->topic == "ctrl");
    BOOST_TEST((parse({"ctrl", "--help"})->what == help));
}

BOOST_AUTO_TEST_CASE(where_the_socket_is) {
    BOOST_TEST(parse({"list"})->socket_path == "/d.socket");
    BOOST_TEST(parse({"list", "-d", "/x"})->socket_path == "/x");
    BOOST_TEST(parse({"status", "--socket-path=/x"})->socket_path == "/x");
    BOOST_TEST(parse({"ctrl", "web1", "stop", "-d", "/x"})->socket_path == "/x");
}

BOOST_AUTO_TEST_CASE(ctrl_takes_its_options_anywhere) {
    for (const auto& words :
         std::vector<std::vector<std::string>>{{"ctrl", "-s", "SIGHUP", "web1", "upgrade"},
                                               {"ctrl", "web1", "--signal", "hup", "upgrade"},
                                               {"ctrl", "web1", "upgrade", "-sHUP"}}) {
        auto given = parse(words);
        BOOST_TEST_REQUIRE(given.has_value());
        BOOST_TEST((given->what == ctrl));
        BOOST_TEST(given->group == "web1");
        BOOST_TEST(given->word == "upgrade");
        BOOST_TEST(given->command == "worker:upgrade");
        BOOST_TEST(given->signal == SIGHUP);
    }
}

BOOST_AUTO_TEST_CASE(every_command) {
    for (const char* word :
         {"start", "stop", "restart", "inc", "dec", "upgrade", "killall", "status"}) {
        BOOST_TEST(parse({"ctrl", "a", word})->command == std::string("worker:") + word);
        BOOST_TEST(has(firestarter_usage("ctrl"), word));
    }
    BOOST_TEST(has(complaint({"ctrl", "a", "ack"}), "there are: start stop restart"));
}

BOOST_AUTO_TEST_CASE(wrong_words) {
    BOOST_TEST(has(complaint({"statsu"}), "did you mean 'status'"));
    BOOST_TEST(has(complaint({"--nosuch"}), "'--nosuch'"));
    BOOST_TEST(has(complaint({"list", "a"}), "usage: firestarter list"));
    BOOST_TEST(has(complaint({"list", "-d"}), "needs a value"));
    BOOST_TEST(has(complaint({"list", "-d", ""}), "the path of the control socket is empty"));
    BOOST_TEST(has(complaint({"ctrl", "a"}), "NAME COMMAND"));
    BOOST_TEST(has(complaint({"ctrl", "a", "stop", "more"}), "NAME COMMAND"));
    BOOST_TEST(has(complaint({"ctrl", "-s", "X", "a", "stop"}), "'X' is no signal"));
    BOOST_TEST(has(complaint({"ctrl", "-s", "TERM", "a", "inc"}), "'inc' sends no signal"));
    BOOST_TEST(has(complaint({"status", "-s", "TERM"}), "belongs to 'ctrl'"));
    BOOST_TEST(has(complaint({"help", "x"}), "unknown subcommand 'x'"));
    BOOST_TEST(has(complaint({"help", "list", "x"}), "usage: firestarter help"));
}

BOOST_AUTO_TEST_SUITE_END()
