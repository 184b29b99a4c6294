// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/einhorn_command_line.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <csignal>
#include <ostream>
#include <set>

namespace einhyrningsins::config {
namespace {

namespace data = boost::unit_test::data;
using namespace std::chrono_literals;
using words = std::vector<std::string>;

constexpr unsigned cpus = 12;

auto parse(const words& given) { return parse_einhorn_command_line(given, cpus, "/var/tmp"); }

command_line parsed(const words& given) {
    auto line = parse(given);
    BOOST_REQUIRE_MESSAGE(line, line.error().message);
    return *line;
}

request_kind kind(const words& given) { return parsed(given).kind; }

/// With a program after the options.
command_line run(words given) {
    given.push_back("prog");
    command_line line = parsed(given);
    BOOST_TEST((line.kind == request_kind::run));
    BOOST_TEST(line.wishes.groups.at(0).command == words{"prog"}, boost::test_tools::per_element());
    return line;
}

group_settings group(const words& given) { return run(given).wishes.groups[0]; }
core::policy policy(const words& given) { return group(given).policy; }
master_settings master(const words& given) { return run(given).wishes.master; }

std::string complaint_about(const words& given) {
    auto line = parse(given);
    BOOST_REQUIRE(!line);
    return line.error().message;
}

struct wrong_case {
    words given;
    const char* message;
};

std::ostream& operator<<(std::ostream& to, const wrong_case& one) { return to << one.message; }

const std::vector<wrong_case> wrong_cases{
    {{"-n", "0", "prog"}, "--number: '0' is not a number from 1 to 10000"},
    {{"-n", "--bind", "prog"}, "--number: '--bind' is not a number from 1 to 10000"},
    {{"-b", "8080", "prog"},
     "--bind: '8080': a port is missing; write HOST:PORT, :PORT, or a path with a '/'"},
    {{"-m", "maybe", "prog"},
     "--ack-mode: 'maybe' is not 'manual', 'notify' or a number of seconds"},
    {{"-m"}, "--ack-mode: its value is missing"},
    {{"-s", "0", "prog"}, "--seconds: must be more than 0"},
    {{"-t", "x", "prog"},
     "--signal-timeout: 'x' is not a number of seconds, like 30 or 0.5, up to 10000000"},
    {{"--nice", "", "prog"}, "--nice: '' is not a number from -20 to 19"},
    {{"--nice", ":3", "prog"}, "--nice: '' is not a number from -20 to 19"},
    {{"--quiet=1", "prog"}, "--quiet: takes no value"},
    {{"--nubmer", "3", "prog"},
     "unknown option '--nubmer' (did you mean '--number'?); --help lists all"},
    {{"--nubmer=", "prog"},
     "unknown option '--nubmer' (did you mean '--number'?); --help lists all"},
    {{"--=", "prog"}, "unknown option '--'; --help lists all"},
    {{"-x", "prog"}, "unknown option '-x'; --help lists all"},
    {{"-r", "3", "prog"}, "unknown option '-r'; --help lists all"},
    {{"--s", "3", "prog"}, "option '--s' may be --seconds or --signal-timeout; write it out"},
    {{"--retr", "3", "prog"}, "unknown option '--retr'; --help lists all"},
    {{"-c", "a/b", "prog"},
     "--command-name: 'a/b' is not a valid name: it must be a word without '/'"},
    {{""}, "the name of the program is empty"},
    {{"prog", "srv:h:99999"},
     "'srv:h:99999': 'h:99999': port '99999' is not a number from 0 to 65535"},
};

} // namespace

BOOST_AUTO_TEST_SUITE(config_einhorn_command_line)

BOOST_DATA_TEST_CASE(what_is_wrong, data::make(wrong_cases), one) {
    BOOST_TEST(complaint_about(one.given) == one.message);
}

BOOST_AUTO_TEST_CASE(the_defaults_are_einhorns) {
    settings wishes = run({}).wishes;
    const master_settings& master = wishes.master;
    BOOST_TEST((master.personality == personality::einhorn));
    BOOST_TEST(master.socket_path == "/var/tmp/einhorn.sock");
    BOOST_TEST(master.lockfile == "/var/tmp/einhorn.lock");
    BOOST_TEST(master.pidfile == "/var/tmp/einhorn.pid");
    BOOST_TEST((master.verbosity == verbosity::normal));
    const group_settings& one = wishes.groups.at(0);
    BOOST_TEST(one.name == "prog");
    BOOST_TEST(one.backlog == 100);
    BOOST_TEST((one.ack_timeout == 0s));
    BOOST_TEST(one.drops_since == 2u);
    BOOST_TEST(one.policy.number == 1u);
    BOOST_TEST((std::get<core::ack_timer>(one.policy.ack).survive == 1s));
    BOOST_TEST(!one.policy.retries.has_value());
    BOOST_TEST((one.policy.seconds == 1s));
    BOOST_TEST(one.policy.stop_signal == SIGUSR2);
    BOOST_TEST((one.policy.signal_timeout == 0s));
    BOOST_TEST(one.policy.kill_at_timeout);
    BOOST_TEST(one.policy.max_unacked == cpus);
    BOOST_TEST(!one.policy.max_upgrade_additional.has_value());
}

BOOST_AUTO_TEST_CASE(the_name_is_in_the_paths) {
    master_settings named = master({"-c", "web"});
    BOOST_TEST(named.socket_path == "/var/tmp/einhorn-web.sock");
    BOOST_TEST(named.lockfile == "/var/tmp/einhorn-web.lock");
    BOOST_TEST(named.pidfile == "/var/tmp/einhorn-web.pid");
    BOOST_TEST(group({"-c", "web"}).name == "web");
    master_settings elsewhere = master({"-c", "web", "-d", "/run/web.sock"});
    BOOST_TEST(elsewhere.socket_path == "/run/web.sock");
    BOOST_TEST(elsewhere.lockfile == "/run/web.lock");
    BOOST_TEST(elsewhere.pidfile == "/var/tmp/einhorn-web.pid"); // as einhorn's
    auto slashes = parse_einhorn_command_line({"prog"}, cpus, "/tmp//");
    BOOST_TEST(slashes->wishes.master.socket_path == "/tmp/einhorn.sock");
}

BOOST_AUTO_TEST_CASE(every_letter) {
    command_line line = run({"-b",  "127.0.0.1:80,r",
                             "-c",  "web",
                             "-d",  "/s",
                             "-e",  "/p",
                             "-f",  "/l",
                             "-g",  "-k",
                             "-l",  "7",
                             "-m",  "manual",
                             "-n",  "3",
                             "-p",  "/o.so",
                             "-q",  "-s",
                             "2.5", "-t",
                             "9"});
    const group_settings& one = line.wishes.groups[0];
    BOOST_TEST(one.listeners.at(0).text == "127.0.0.1:80,r");
    BOOST_TEST(one.command_socket_as_fd);
    BOOST_TEST(one.kill_children_on_exit);
    BOOST_TEST(one.backlog == 7);
    BOOST_TEST((std::get<core::ack_manual>(one.policy.ack).timeout == 0s));
    BOOST_TEST(one.policy.number == 3u);
    BOOST_TEST(one.preload == "/o.so");
    BOOST_TEST((one.policy.seconds == 2500ms));
    BOOST_TEST((one.policy.signal_timeout == 9s));
    const master_settings& master = line.wishes.master;
    BOOST_TEST(master.command_name == "web");
    BOOST_TEST(master.socket_path == "/s");
    BOOST_TEST(master.pidfile == "/p");
    BOOST_TEST(master.lockfile == "/l");
    BOOST_TEST((master.verbosity == verbosity::quiet));
}

BOOST_AUTO_TEST_CASE(every_long_name) {
    command_line line = run({"--max-unacked=4", "--max-upgrade-additional", "2", "--drop-env-var",
                             "A", "--drop-env-var=B", "--reexec-as=bin/einhorn 'a b'",
                             "--gc-before-fork", "--nice=1:2"});
    const group_settings& one = line.wishes.groups[0];
    BOOST_TEST(one.policy.max_unacked == 4u);
    BOOST_TEST(one.policy.max_upgrade_additional.value() == 2u);
    BOOST_TEST(one.drop_variables == (words{"A", "B"}), boost::test_tools::per_element());
    BOOST_TEST(one.worker_nice.value() == 2);
    BOOST_TEST(line.wishes.master.nice.value() == 1);
    BOOST_TEST(line.wishes.master.reexec_as == (words{"bin/einhorn", "a b"}),
               boost::test_tools::per_element());
    BOOST_TEST(line.warnings.empty());
}

BOOST_AUTO_TEST_CASE(unique_beginnings_will_do) {
    BOOST_TEST(policy({"--num", "3"}).number == 3u);
    BOOST_TEST(policy({"--nu=3"}).number == 3u);
    BOOST_TEST(master({"--so", "/s"}).socket_path == "/s"); // ours of that beginning do not count
    BOOST_TEST(policy({"--max-un=3"}).max_unacked == 3u);
    BOOST_TEST(policy({"--retries", "3"}).retries.value() == 3u);
    BOOST_TEST((group({"--ack-timeout=3", "--ack=manual"}).ack_timeout == 3s));
}

BOOST_AUTO_TEST_CASE(verbosity_goes_by_steps) {
    using enum verbosity;
    BOOST_TEST((master({"-v"}).verbosity == verbose));
    BOOST_TEST((master({"-vvv"}).verbosity == verbose));
    BOOST_TEST((master({"-q", "-q"}).verbosity == quiet));
    BOOST_TEST((master({"-q", "-v"}).verbosity == normal));
    BOOST_TEST((master({"-qqv"}).verbosity == normal));
}

BOOST_AUTO_TEST_CASE(ack_modes) {
    BOOST_TEST((std::get<core::ack_timer>(policy({"-m", "0"}).ack).survive == 0s));
    BOOST_TEST((std::get<core::ack_timer>(policy({"-m0.5"}).ack).survive == 500ms));
    BOOST_TEST((std::holds_alternative<core::ack_manual>(policy({"--ack-mode=manual"}).ack)));
}

BOOST_AUTO_TEST_CASE(numbers_that_mean_something_else_than_ours) {
    BOOST_TEST((policy({"-t", "0"}).signal_timeout > 0s)); // at once, and not never
    BOOST_TEST((policy({"-t", "0"}).signal_timeout < 1ms));
    BOOST_TEST(policy({"--max-upgrade-additional", "0"}).max_upgrade_additional.value() == 1u);
}

BOOST_AUTO_TEST_CASE(niceness) {
    BOOST_TEST(master({"--nice", "-5"}).nice.value() == -5);
    BOOST_TEST(!group({"--nice", "5"}).worker_nice.has_value());
    command_line line = run({"--nice", "5:6:sudo renice"});
    BOOST_TEST(line.wishes.groups[0].worker_nice.value() == 6);
    BOOST_TEST(line.warnings ==
                   words{"--nice: 'sudo renice' is not run: the master sets the niceness itself"},
               boost::test_tools::per_element());
    BOOST_TEST(run({"--nice", "5:6:"}).warnings.empty());
}

BOOST_AUTO_TEST_CASE(values_may_look_like_options) {
    BOOST_TEST(master({"-c", "-x"}).command_name == "-x");
}

BOOST_AUTO_TEST_CASE(options_end_at_the_program) {
    BOOST_TEST(parsed({"-n", "2", "prog", "-n", "--help"}).wishes.groups[0].command ==
                   (words{"prog", "-n", "--help"}),
               boost::test_tools::per_element());
    BOOST_TEST(parsed({"--", "-prog", "--"}).wishes.groups[0].command == (words{"-prog", "--"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_not_a_run) {
    using enum request_kind;
    BOOST_TEST((kind({}) == usage));
    BOOST_TEST((kind({"--"}) == usage));
    BOOST_TEST((kind({"-n", "3"}) == usage));
    BOOST_TEST((kind({"-h"}) == help));
    BOOST_TEST((kind({"--help", "prog"}) == help));
    BOOST_TEST((kind({"--version"}) == version));
    BOOST_TEST((kind({"--check", "prog"}) == check));
    BOOST_TEST((kind({"-v", "--upgrade-check", "--", "prog"}) == trial));
    BOOST_TEST((kind({"-h", "-n", "0"}) == help)); // the first of them ends it
}

BOOST_AUTO_TEST_CASE(sockets_in_words_come_before_all_others) {
    command_line line = parsed({"-b", "h:1", "prog", "srv:h:2", "x=srv:h:3", "srv:h:2"});
    const group_settings& one = line.wishes.groups[0];
    BOOST_TEST(one.command == (words{"prog", "3", "x=4", "3"}), boost::test_tools::per_element());
    BOOST_TEST(one.server_words == 2u);
    BOOST_REQUIRE(one.listeners.size() == 3u);
    BOOST_TEST(one.listeners[0].text == "h:2");
    BOOST_TEST(one.listeners[2].text == "h:1");
    BOOST_REQUIRE(line.warnings.size() == 1u);
    BOOST_TEST(line.warnings[0].find("deprecated") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(names_and_letters_are_unique) {
    std::set<std::string> seen;
    for (const option& one : einhorn_options()) {
        BOOST_TEST(seen.insert(one.name).second, one.name);
        if (one.letter) BOOST_TEST(seen.insert(std::string("-") + one.letter).second, one.name);
        BOOST_TEST((one.take != nullptr), one.name);
    }
}

/// Those of einhorn 0.8.2, but for --with-state-fd, which only its own reload says.
BOOST_AUTO_TEST_CASE(none_of_einhorns_is_missing) {
    std::set<std::string> own;
    for (const option& one : einhorn_options().first(einhorn_own_options))
        own.insert(one.name);
    std::set<std::string> wanted{"bind",           "command-name",
                                 "socket-path",    "pidfile",
                                 "lockfile",       "command-socket-as-fd",
                                 "help",           "kill-children-on-exit",
                                 "backlog",        "ack-mode",
                                 "number",         "preload",
                                 "quiet",          "seconds",
                                 "verbose",        "drop-env-var",
                                 "reexec-as",      "nice",
                                 "upgrade-check",  "signal-timeout",
                                 "max-unacked",    "max-upgrade-additional",
                                 "gc-before-fork", "version"};
    BOOST_TEST(own == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(options_of_both_grammars_take_the_same) {
    for (const option& one : einhorn_options()) {
        const option* ours = find_option(one.name);
        if (!ours) continue;
        BOOST_TEST((one.argument != nullptr) == (ours->argument != nullptr), one.name);
        BOOST_TEST(one.repeatable == ours->repeatable, one.name);
        bool own = &one < &einhorn_options()[einhorn_own_options];
        if (own && ours->letter) BOOST_TEST(one.letter == ours->letter, one.name);
    }
}

BOOST_AUTO_TEST_CASE(usage_in_short_and_in_full) {
    for (bool in_short : {true, false}) {
        std::string text = einhorn_usage(in_short);
        BOOST_TEST(text.starts_with("## Usage\n"));
        for (const option& one : einhorn_options())
            BOOST_TEST((text.find(std::string(" --") + one.name) != text.npos), one.name);
    }
    BOOST_TEST(einhorn_usage(true).size() < einhorn_usage(false).size());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::config
