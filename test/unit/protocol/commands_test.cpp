// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/order.hpp"

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>

#include <signal.h>

namespace einhyrningsins::protocol {

namespace {

using words = std::vector<std::string>;

order read(std::string command, words args = {}, std::string group = "") {
    auto made =
        parse_order({.command = command, .args = std::move(args), .group = std::move(group)});
    BOOST_REQUIRE_MESSAGE(made.has_value(), command << ": " << made.error());
    return *made;
}

std::string complaint(std::string command, words args = {}, std::string group = "") {
    auto made =
        parse_order({.command = command, .args = std::move(args), .group = std::move(group)});
    BOOST_REQUIRE_MESSAGE(!made.has_value(), command);
    return made.error();
}

bool says(const std::string& text, std::string_view what) {
    return text.find(what) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(protocol_commands)

BOOST_AUTO_TEST_CASE(each_command_is_there_once_and_explained) {
    std::set<std::string> names;
    std::set<verb> verbs;
    for (const command& one : commands()) {
        names.insert(one.name);
        verbs.insert(one.what);
        BOOST_TEST(*one.help != '\0', one.name);
        BOOST_TEST(find_command(one.name) == &one);
        BOOST_TEST(says(help_text(), std::string("\n") + one.name + " ") ==
                   (&one != &commands()[0]));
    }
    std::set<std::string> of_the_contract{
        "worker:ack", "worker:ping", "ehlo",   "help",    "version",     "status",
        "state",      "inc",         "dec",    "upgrade", "set_workers", "upgrade_fleet",
        "signal",     "die",         "list",   "start",   "stop",        "restart",
        "killall",    "config",      "louder", "quieter", "reload",      "reload-config"};
    BOOST_TEST(names == of_the_contract);
    BOOST_TEST(verbs.size() == names.size());
}

BOOST_AUTO_TEST_CASE(workers_may_speak_for_themselves_and_no_more) {
    for (verb what : {verb::worker_ack, verb::worker_ping})
        BOOST_TEST(is_for_workers(what));
    for (verb what : {verb::die, verb::signal, verb::upgrade, verb::config, verb::status,
                      verb::stop, verb::set_workers, verb::killall})
        BOOST_TEST(!is_for_workers(what));
}

BOOST_AUTO_TEST_CASE(a_group_is_the_last_argument_or_a_key) {
    for (const char* name : {"inc", "dec", "upgrade", "upgrade_fleet", "start", "stop", "restart",
                             "killall", "list", "status"}) {
        BOOST_TEST(read(name).group == "", name);
        BOOST_TEST(read(name, {"web"}).group == "web", name);
        BOOST_TEST(read(name, {}, "web").group == "web", name);
        BOOST_TEST(says(complaint(name, {"web", "more"}), name), name);
        BOOST_TEST(says(complaint(name, {"web"}, "web"), name), name);
    }
}

BOOST_AUTO_TEST_CASE(a_number_of_workers) {
    BOOST_TEST(read("set_workers", {"3"}).number == 3);
    order made = read("set_workers", {"10000", "web"});
    BOOST_TEST(made.number == 10000);
    BOOST_TEST(made.group == "web");
    for (const char* wrong : {"0", "-1", "10001", "x", "", "1.5", "3 ", "+3", "99999999999999"})
        BOOST_TEST(says(complaint("set_workers", {wrong}), "1 to 10000"), wrong);
    BOOST_TEST(says(complaint("set_workers"), "COUNT"));
    BOOST_TEST(says(complaint("set_workers", {"3", "web", "more"}), "COUNT"));
}

BOOST_AUTO_TEST_CASE(signals_by_any_name) {
    order made = read("signal", {"HUP", "sigusr1", "15"}, "web");
    BOOST_TEST(made.signals == (std::vector<int>{SIGHUP, SIGUSR1, SIGTERM}));
    BOOST_TEST(made.group == "web");
    BOOST_TEST(says(complaint("signal"), "SIG"));
    BOOST_TEST(says(complaint("signal", {"HUP", "NOPE"}), "'NOPE'"));
    BOOST_TEST(read("die").signals.empty());
    BOOST_TEST(read("die", {"term"}).signals == std::vector<int>{SIGTERM});
    BOOST_TEST(says(complaint("die", {"TERM", "HUP"}), "die"));
}

BOOST_AUTO_TEST_CASE(changes_of_options) {
    order made = read("config", {"{\"number\":", "3,",
                                 "\"seconds\": 0.5, \"drop-env-var\": "
                                 "[\"A\", \"B\"], \"ack_mode\": \"manual\"}"});
    BOOST_REQUIRE(made.changes.size() == 4);
    BOOST_TEST(made.changes[0].first == "number");
    BOOST_TEST(made.changes[0].second == words{"3"});
    BOOST_TEST(made.changes[1].second == words{"0.5"});
    BOOST_TEST(made.changes[2].second == (words{"A", "B"}));
    BOOST_TEST(made.changes[3].first == "ack_mode");
    for (const char* wrong : {"", "x", "3", "[]", "{", "{\"a\":1"})
        BOOST_TEST(says(complaint("config", {wrong}), "JSON object"), wrong);
    for (const char* wrong : {"{\"a\":true}", "{\"a\":null}", "{\"a\":{}}", "{\"a\":[[1]]}"})
        BOOST_TEST(says(complaint("config", {wrong}), "'a'"), wrong);
}

BOOST_AUTO_TEST_CASE(config_reads_yaml_as_well) {
    using change_list = std::vector<std::pair<std::string, words>>;
    auto changes = [](const words& args) {
        auto made = parse_order({.command = "config", .args = args});
        BOOST_REQUIRE_MESSAGE(made.has_value(), made.error());
        return made->changes;
    };
    BOOST_TEST((changes({"{seconds:", "0.5,", "drop-env-var: [A, 'B']}"}) ==
                change_list{{"seconds", {"0.5"}}, {"drop-env-var", {"A", "B"}}}));
    BOOST_TEST((changes({":signal_timeout: 20"}) == change_list{{"signal_timeout", {"20"}}}));
    BOOST_TEST((changes({"---\nnumber: 3\n"}) == change_list{{"number", {"3"}}}));
}

BOOST_AUTO_TEST_CASE(commands_that_take_nothing) {
    for (const char* name : {"ehlo", "help", "version", "state", "louder", "quieter", "worker:ack"})
        BOOST_TEST(says(complaint(name, {"more"}), std::string("usage: ") + name), name);
}

BOOST_AUTO_TEST_CASE(what_a_worker_says_is_kept) {
    auto made = parse_order({.command = "worker:ping", .pid = 12, .request_id = "abc"});
    BOOST_REQUIRE(made.has_value());
    BOOST_TEST((made->what == verb::worker_ping));
    BOOST_TEST(made->pid == 12);
    BOOST_TEST(made->request_id == "abc");
}

BOOST_AUTO_TEST_CASE(the_nearest_command_is_named) {
    BOOST_TEST(says(complaint("upgarde"), "'upgrade'"));
    BOOST_TEST(says(complaint("stauts"), "'status'"));
    BOOST_TEST(!says(complaint("something else"), "mean"));
    BOOST_TEST(find_command("") == nullptr);
}

BOOST_AUTO_TEST_CASE(an_answer_is_one_short_line_of_whole_characters) {
    std::string long_one = "x";
    for (int i = 0; i < 1000; ++i)
        long_one += "\u00e4"; // two bytes each, so that one of them is at the cut
    std::string answer = complaint(long_one);
    BOOST_TEST(answer.size() < 150);
    BOOST_TEST(says(answer, "\u00e4...'"));
    BOOST_TEST(!says(complaint("a\nb\x1b[31m"), "\n"));
    BOOST_TEST(!says(complaint("a\nb\x1b[31m"), "\x1b"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::protocol
