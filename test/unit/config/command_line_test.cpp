// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/command_line.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <csignal>
#include <ostream>

namespace einhyrningsins::config {
namespace {

namespace data = boost::unit_test::data;
using namespace std::chrono_literals;
using words = std::vector<std::string>;

constexpr unsigned cpus = 12;

command_line parsed(const words& given) {
    auto line = parse_command_line(given, cpus);
    BOOST_REQUIRE_MESSAGE(line, line.error().message);
    return *line;
}

/// With a program after the options.
settings run(words given) {
    given.push_back("prog");
    command_line line = parsed(given);
    BOOST_TEST((line.kind == request_kind::run));
    BOOST_REQUIRE_EQUAL(line.wishes.groups.size(), 1u);
    BOOST_TEST(line.wishes.groups[0].command == words{"prog"}, boost::test_tools::per_element());
    return line.wishes;
}

group_settings group(const words& given) { return run(given).groups[0]; }
core::policy policy(const words& given) { return group(given).policy; }
master_settings master(const words& given) { return run(given).master; }

words command(const words& given) { return parsed(given).wishes.groups[0].command; }

std::string complaint_about(const words& given) {
    auto line = parse_command_line(given, cpus);
    BOOST_REQUIRE(!line);
    return line.error().message;
}

core::duration timeout_of(const core::ack_policy& ack) {
    if (auto* manual = std::get_if<core::ack_manual>(&ack)) return manual->timeout;
    return std::get<core::ack_notify>(ack).timeout;
}

struct wrong_case {
    words given;
    const char* message;
};

std::ostream& operator<<(std::ostream& to, const wrong_case& one) { return to << one.message; }

const std::vector<wrong_case> wrong_cases{
    {{"-n", "0"}, "--number: '0' is not a number from 1 to 10000"},
    {{"-n0"}, "--number: '0' is not a number from 1 to 10000"},
    {{"--number=10001"}, "--number: '10001' is not a number from 1 to 10000"},
    {{"-n", "-1"}, "--number: '-1' is not a number from 1 to 10000"},
    {{"-n", "-4"}, "--number: '-4' is not a number from 1 to 10000"},
    {{"-n", "four"}, "--number: 'four' is not a number from 1 to 10000"},
    {{"-n", "3x"}, "--number: '3x' is not a number from 1 to 10000"},
    {{"-n", ""}, "--number: '' is not a number from 1 to 10000"},
    {{"-n", "1\n2"}, "--number: '1?2' is not a number from 1 to 10000"},
    {{"-b", ""}, "--bind: '': a port is missing; write HOST:PORT, :PORT, or a path with a '/'"},
    {{"-b", ":x"}, "--bind: ':x': port 'x' is not a number from 0 to 65535"},
    {{"-b:80", "-b", ":1,q"},
     "--bind: ':1,q': unknown option 'q'; the options are r, n, so_reuseport, backlog=, name=, "
     "mode=, "
     "user=, group="},
    {{"-4", "-6"},
     "--ipv6-only: --ipv4-only and --ipv6-only exclude each other; leave both out for both "
     "families"},
    {{"-64"},
     "--ipv4-only: --ipv4-only and --ipv6-only exclude each other; leave both out for both "
     "families"},
    {{"--ack-mode", "sometimes"},
     "--ack-mode: 'sometimes' is not 'manual', 'notify' or a number of seconds"},
    {{"--ack-mode", "-1"}, "--ack-mode: '-1' is not 'manual', 'notify' or a number of seconds"},
    {{"--ack-mode", ""}, "--ack-mode: '' is not 'manual', 'notify' or a number of seconds"},
    {{"--ack-timeout", "soon"},
     "--ack-timeout: 'soon' is not a number of seconds, like 30 or 0.5, up to 10000000"},
    {{"--ack-timeout=-1"},
     "--ack-timeout: '-1' is not a number of seconds, like 30 or 0.5, up to 10000000"},
    {{"-r", "many"}, "--retries: 'many' is not a number from 0 to 1000000"},
    {{"-s", "-3"}, "--seconds: '-3' is not a number of seconds, like 30 or 0.5, up to 10000000"},
    {{"-t", "1e9"},
     "--signal-timeout: '1e9' is not a number of seconds, like 30 or 0.5, up to 10000000"},
    {{"--stop-signal", "NOSUCH"},
     "--stop-signal: 'NOSUCH' is not a signal; write USR2, TERM, QUIT, ..."},
    {{"--stop-signal", "0"}, "--stop-signal: '0' is not a signal; write USR2, TERM, QUIT, ..."},
    {{"--stop-signal", "STOP"},
     "--stop-signal: SIGSTOP does not terminate a process; write USR2, TERM, QUIT, ..."},
    {{"--stop-signal", "cont"},
     "--stop-signal: SIGCONT does not terminate a process; write USR2, TERM, QUIT, ..."},
    {{"--signal-scope", "all"}, "--signal-scope: 'all' is not 'leader' or 'group'"},
    {{"--leftovers", ""}, "--leftovers: '' is not 'stop' or 'keep'"},
    {{"--max-unacked", "0"}, "--max-unacked: '0' is not a number from 1 to 10000"},
    {{"--max-upgrade-additional", "0"},
     "--max-upgrade-additional: '0' is not a number from 1 to 10000"},
    {{"--drop-env-var", "A=B"}, "--drop-env-var: 'A=B' is not the name of a variable"},
    {{"--drop-env-var", ""}, "--drop-env-var: '' is not the name of a variable"},
    {{"-d", ""}, "--socket-path: must not be empty"},
    {{"--socket-mode", "rw"}, "--socket-mode: 'rw' is not an octal mode like 0660"},
    {{"--socket-mode", "1777"}, "--socket-mode: '1777' is not an octal mode like 0660"},
    {{"--socket-group", ""}, "--socket-group: must not be empty"},
    {{"-c", "a/b"}, "--command-name: 'a/b' is not a valid name: it must be a word without '/'"},
    {{"-c", ""}, "--command-name: '' is not a valid name: it must be a word without '/'"},
    {{"-c", "a\nb"}, "--command-name: 'a?b' is not a valid name: it must be a word without '/'"},
    {{"-e", ""}, "--pidfile: must not be empty"},
    {{"-p", ""}, "--preload: must not be empty"},
    {{"-f", ""}, "--lockfile: must not be empty"},
    {{"-l", "x"}, "--backlog: 'x' is not a number from 1 to 2147483647"},
    {{"-l", "0"}, "--backlog: '0' is not a number from 1 to 2147483647"},
    {{"--nice", "20"}, "--nice: '20' is not a number from -20 to 19"},
    {{"--nice", "-21:3"}, "--nice: '-21' is not a number from -20 to 19"},
    {{"--nice", "1:x"}, "--nice: 'x' is not a number from -20 to 19"},
    {{"--nice", "1:"}, "--nice: '' is not a number from -20 to 19"},
    {{"--nice", ":1"}, "--nice: '' is not a number from -20 to 19"},
    {{"--nice", "1:2:3"}, "--nice: '2:3' is not a number from -20 to 19"},
    {{"--log-format", "xml"}, "--log-format: 'xml' is not 'text' or 'json'"},
    // The splitting of words
    {{"--nubmer", "3"}, "unknown option '--nubmer' (did you mean '--number'?); --help lists all"},
    {{"--nubmer="}, "unknown option '--nubmer' (did you mean '--number'?); --help lists all"},
    {{"--nubmer=3"}, "unknown option '--nubmer' (did you mean '--number'?); --help lists all"},
    {{"--bnid", "x"}, "unknown option '--bnid' (did you mean '--bind'?); --help lists all"},
    {{"--num", "3"}, "unknown option '--num'; --help lists all"},
    {{"--Number", "3"}, "unknown option '--Number' (did you mean '--number'?); --help lists all"},
    {{"--a\nb"}, "unknown option '--a?b'; --help lists all"},
    {{"-x"}, "unknown option '-x'; --help lists all"},
    {{"--=x"}, "unknown option '--'; --help lists all"},
    {{"--="}, "unknown option '--'; --help lists all"},
    {{"-gx"}, "unknown option '-gx'; --help lists all"},
    {{"--config", "x.toml"},
     "'prog': with --config, name the program in the file, as cmd of a group"},
    {{"--config", ""}, "--config: must not be empty"},
    {{"--config", "x.toml", "-n", "1"},
     "--number: with --config, write number in a group of the file instead"},
    {{"-b", ":80", "--config", "x.toml"},
     "--bind: with --config, write socket_address in a group of the file instead"},
    {{"--config", "x.toml", "-m"},
     "--manual: with --config, write manual in a group of the file instead"},
    {{"--config", "x.toml", "-r3"},
     "--retries: with --config, write retries in a group of the file instead"},
    {{"--reexec-as", "'x"}, "--reexec-as: ''x' ends within a quotation: a ' is missing"},
    {{"--reexec-as", "x\\"},
     "--reexec-as: 'x\\' ends within a quotation: a character is missing after the last backslash"},
    {{"--reexec-as", " "}, "--reexec-as: must name a program"},
    {{"--reexec-as", "'' x"}, "--reexec-as: must name a program"},
    {{"--syslog=yes"}, "--syslog: takes no value"},
    {{"--manual="}, "--manual: takes no value"},
    {{"--number="}, "--number: its value is missing"},
    {{"-n", "--bind", ":80"}, "--number: its value is missing"},
    {{"--pidfile", "-n", "4"}, "--pidfile: its value is missing"},
};

} // namespace

BOOST_AUTO_TEST_SUITE(config_command_line)

// Where options end

BOOST_AUTO_TEST_CASE(defaults) {
    settings all = run({});
    const group_settings& one = all.groups[0];
    BOOST_TEST(one.name == "prog");
    BOOST_TEST(one.policy.number == 1u);
    BOOST_TEST((std::get<core::ack_timer>(one.policy.ack).survive == 1s));
    BOOST_TEST(!one.policy.retries.has_value());
    BOOST_TEST((one.policy.seconds == 1s));
    BOOST_TEST(one.policy.stop_signal == SIGUSR2);
    BOOST_TEST((one.policy.signal_timeout == 60s));
    BOOST_TEST(one.policy.max_unacked == cpus);
    BOOST_TEST(!one.policy.max_upgrade_additional.has_value());
    BOOST_TEST(one.listeners.empty());
    BOOST_TEST((one.family == ip_family::any));
    BOOST_TEST(one.backlog == 1024);
    BOOST_TEST(one.drop_variables.empty());
    BOOST_TEST(!one.command_socket_as_fd);
    BOOST_TEST(!one.kill_children_on_exit);
    BOOST_TEST(!one.worker_nice.has_value());
    BOOST_TEST(all.master.command_name == "");
    BOOST_TEST(all.master.socket_path == "/tmp/einhorn.sock");
    BOOST_TEST(all.master.lockfile == "/tmp/einhorn.lock");
    BOOST_TEST(!all.master.socket_mode.has_value());
    BOOST_TEST(all.master.socket_group == "");
    BOOST_TEST(all.master.pidfile == "");
    BOOST_TEST(!all.master.nice.has_value());
    BOOST_TEST(!all.master.syslog);
    BOOST_TEST((all.master.log_format == log_format::text));
    BOOST_TEST((all.master.verbosity == verbosity::normal));
}

BOOST_AUTO_TEST_CASE(options_end_at_the_program) {
    words mine{"prog", "-b", "x", "-n", "7", "--", "--help", "", "-"};
    for (words before : {words{}, words{"--"}, words{"-n", "4"}, words{"-n", "4", "--"},
                         words{"--number=4", "-g"}}) {
        before.insert(before.end(), mine.begin(), mine.end());
        BOOST_TEST(command(before) == mine, boost::test_tools::per_element());
        BOOST_TEST(parsed(before).wishes.groups[0].listeners.empty());
    }
    BOOST_TEST(policy({"-n", "4"}).number == 4u);
}

BOOST_AUTO_TEST_CASE(after_two_dashes_even_an_option_is_the_program) {
    BOOST_TEST(command({"--", "-n", "4"}) == (words{"-n", "4"}), boost::test_tools::per_element());
    BOOST_TEST(command({"-g", "--", "--", "x"}) == (words{"--", "x"}),
               boost::test_tools::per_element());
    BOOST_TEST(command({"-"}) == words{"-"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_program_is_needed) {
    for (const words& given :
         {words{}, words{"-n", "4"}, words{"--"}, words{"-g", "--"}, words{""}, words{"--check"}})
        BOOST_TEST(complaint_about(given) ==
                   "no program to run; usage: einhyrningsins [OPTIONS] [--] PROGRAM [ARGS...]");
}

BOOST_AUTO_TEST_CASE(an_option_without_its_value) {
    BOOST_TEST(complaint_about({"--number"}) == "--number: its value is missing");
    BOOST_TEST(complaint_about({"-n"}) == "--number: its value is missing");
    BOOST_TEST(complaint_about({"-gn"}) == "--number: its value is missing");
    BOOST_TEST(complaint_about({"-c", "--", "prog"}) == "--command-name: its value is missing");
}

BOOST_AUTO_TEST_CASE(four_ways_to_write_a_value) {
    for (const words& given : {words{"-n", "4"}, words{"-n4"}, words{"--number", "4"},
                               words{"--number=4"}, words{"-gn4"}, words{"-gn", "4"}})
        BOOST_TEST(policy(given).number == 4u);
    BOOST_TEST(group({"-gkm4"}).command_socket_as_fd);
    BOOST_TEST(group({"-gkm4"}).kill_children_on_exit);
    BOOST_TEST((group({"-gkm4"}).family == ip_family::v4));
}

BOOST_AUTO_TEST_CASE(a_value_may_be_the_name_of_an_option) {
    for (const char* name : {"number", "bind", "n", "help", "PROGRAM"}) {
        BOOST_TEST(master({"-c", name}).command_name == name);
        BOOST_TEST(master({"--socket-group", name}).socket_group == name);
        BOOST_TEST(master({std::string("--pidfile=") + name}).pidfile == name);
    }
    BOOST_TEST(master({"--pidfile=-n"}).pidfile == "-n");
    BOOST_TEST(master({"--pidfile=a=b"}).pidfile == "a=b");
    BOOST_TEST(master({"-ea=b"}).pidfile == "a=b");
}

BOOST_AUTO_TEST_CASE(the_last_value_counts) {
    BOOST_TEST(policy({"-n", "2", "-n", "3"}).number == 3u);
    BOOST_TEST((master({"-v", "-q"}).verbosity == verbosity::quiet));
}

// What is asked for

BOOST_AUTO_TEST_CASE(help_and_version_need_no_program) {
    for (const words& given : {words{"-h"}, words{"--help"}, words{"-n", "4", "-h", "prog"},
                               words{"--check", "-h"}, words{"-h", "-n", "0"}})
        BOOST_TEST((parsed(given).kind == request_kind::help));
    BOOST_TEST((parsed({"--version"}).kind == request_kind::version));
    BOOST_TEST((parsed({"prog", "--help"}).kind == request_kind::run));
}

BOOST_AUTO_TEST_CASE(check_reads_everything) {
    command_line line = parsed({"--check", "-n", "3", "-b", ":80", "prog"});
    BOOST_TEST((line.kind == request_kind::check));
    BOOST_TEST(line.wishes.groups[0].policy.number == 3u);
    BOOST_TEST(complaint_about({"--check", "-n", "0", "prog"}) ==
               "--number: '0' is not a number from 1 to 10000");
}

// Each option

BOOST_AUTO_TEST_CASE(number) {
    BOOST_TEST(policy({"-n", "1"}).number == 1u);
    BOOST_TEST(policy({"-n", "10000"}).number == 10000u);
}

BOOST_AUTO_TEST_CASE(bind_keeps_the_order) {
    group_settings one = group({"-b", "127.0.0.1:8080,r,n", "--bind=/a.sock", "-b:80"});
    BOOST_REQUIRE_EQUAL(one.listeners.size(), 3u);
    BOOST_TEST(one.listeners[0].text == "127.0.0.1:8080,r,n");
    BOOST_TEST(one.listeners[0].reuse_address);
    BOOST_TEST(one.listeners[0].non_blocking);
    BOOST_TEST(one.listeners[1].text == "/a.sock");
    BOOST_TEST(one.listeners[2].text == ":80");
}

BOOST_AUTO_TEST_CASE(families) {
    BOOST_TEST((group({"-4"}).family == ip_family::v4));
    BOOST_TEST((group({"--ipv4-only", "-4"}).family == ip_family::v4));
    BOOST_TEST((group({"-6"}).family == ip_family::v6));
    BOOST_TEST((group({"--ipv6-only"}).family == ip_family::v6));
}

BOOST_AUTO_TEST_CASE(ack_modes) {
    for (const words& given : {words{"-m"}, words{"--manual"}, words{"--ack-mode", "manual"}})
        BOOST_TEST((std::get<core::ack_manual>(policy(given).ack).timeout == 30s));
    BOOST_TEST((std::get<core::ack_notify>(policy({"--ack-mode=notify"}).ack).timeout == 30s));
    BOOST_TEST((std::get<core::ack_timer>(policy({"--ack-mode", "0"}).ack).survive == 0s));
    BOOST_TEST((std::get<core::ack_timer>(policy({"--ack-mode", "2.5"}).ack).survive == 2500ms));
}

BOOST_AUTO_TEST_CASE(ack_timeout_before_and_after_the_mode) {
    for (const words& given : {words{"-m", "--ack-timeout", "5"}, words{"--ack-timeout", "5", "-m"},
                               words{"--ack-timeout=5", "--ack-mode=notify"},
                               words{"--ack-mode=notify", "--ack-timeout=5"}})
        BOOST_TEST((timeout_of(policy(given).ack) == 5s));
    BOOST_TEST((timeout_of(policy({"-m", "--ack-timeout", "0"}).ack) == 0s));
    BOOST_TEST((std::get<core::ack_timer>(policy({"--ack-timeout", "5"}).ack).survive == 1s));
}

BOOST_AUTO_TEST_CASE(retries_and_back_off) {
    BOOST_TEST(policy({"-r", "0"}).retries.value() == 0u);
    BOOST_TEST(policy({"--retries", "7"}).retries.value() == 7u);
    BOOST_TEST((policy({"-s", "0.25"}).seconds == 250ms));
    BOOST_TEST((policy({"--seconds=2"}).seconds == 2s));
}

BOOST_AUTO_TEST_CASE(stopping) {
    for (const char* name : {"TERM", "SIGTERM", "term", "15"})
        BOOST_TEST(policy({"--stop-signal", name}).stop_signal == SIGTERM);
    BOOST_TEST(policy({"--stop-signal", "KILL"}).stop_signal == SIGKILL);
    BOOST_TEST(policy({"--stop-signal", "WINCH"}).stop_signal == SIGWINCH);
    BOOST_TEST((policy({"-t", "0"}).signal_timeout == 0s));
    BOOST_TEST((policy({"--signal-timeout", "90"}).signal_timeout == 90s));
}

BOOST_AUTO_TEST_CASE(process_groups) {
    BOOST_TEST((group({}).signal_scope == signal_scope::leader));
    BOOST_TEST((group({"--signal-scope", "leader"}).signal_scope == signal_scope::leader));
    BOOST_TEST((group({"--signal-scope", "group"}).signal_scope == signal_scope::group));
    BOOST_TEST(!group({}).leftovers.has_value());
    BOOST_TEST((group({"--leftovers", "stop"}).leftovers == leftovers::stop));
    BOOST_TEST((group({"--leftovers", "keep"}).leftovers == leftovers::keep));
}

BOOST_AUTO_TEST_CASE(limits_of_upgrades) {
    BOOST_TEST(policy({"--max-unacked", "3"}).max_unacked == 3u);
    BOOST_TEST(policy({"--max-upgrade-additional", "2"}).max_upgrade_additional.value() == 2u);
}

BOOST_AUTO_TEST_CASE(dropped_variables_add_up) {
    BOOST_TEST(group({"--drop-env-var", "A", "--drop-env-var=B"}).drop_variables ==
                   (words{"A", "B"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_control_socket_that_can_never_be_bound) {
    BOOST_TEST(complaint_about({"-d", std::string(108, 'x'), "prog"}) ==
               "--socket-path: the path of a unix socket may have at most 107 bytes");
    BOOST_TEST(complaint_about({"-d", "a\nb", "prog"}) ==
               "--socket-path: a path must not contain control characters");
    BOOST_TEST(master({"-d", std::string(107, 'x')}).socket_path.size() == 107U);
}

BOOST_AUTO_TEST_CASE(control_socket) {
    BOOST_TEST(master({"-d", "/run/x.sock"}).socket_path == "/run/x.sock");
    BOOST_TEST(master({"--socket-path", "x"}).socket_path == "x");
    BOOST_TEST(master({"-c", "web"}).socket_path == "/tmp/einhorn-web.sock");
    BOOST_TEST(master({"-c", "web", "-d", "/run/x.sock"}).socket_path == "/run/x.sock");
    BOOST_TEST(master({"-d", "/tmp/einhorn.sock", "-c", "web"}).socket_path == "/tmp/einhorn.sock");
    BOOST_TEST(master({"--socket-mode", "0660"}).socket_mode.value() == 0660u);
    BOOST_TEST(master({"--socket-mode=0"}).socket_mode.value() == 0u);
    BOOST_TEST(master({"--socket-group", "staff"}).socket_group == "staff");
}

BOOST_AUTO_TEST_CASE(lockfile_is_next_to_the_socket) {
    BOOST_TEST(master({"-c", "web"}).lockfile == "/tmp/einhorn-web.lock");
    BOOST_TEST(master({"-d", "/run/x.sock"}).lockfile == "/run/x.lock");
    BOOST_TEST(master({"-d", "/run/x"}).lockfile == "/run/x.lock");
    BOOST_TEST(master({"-f", "/run/l", "-c", "web"}).lockfile == "/run/l");
    BOOST_TEST(master({"--lockfile=l"}).lockfile == "l");
}

BOOST_AUTO_TEST_CASE(the_group_is_called_after_the_option_or_the_program) {
    BOOST_TEST(group({"-c", "web"}).name == "web");
    BOOST_TEST(master({"--command-name=web"}).command_name == "web");
    BOOST_TEST(parsed({"/usr/bin/gunicorn", "app"}).wishes.groups[0].name == "gunicorn");
    BOOST_TEST(parsed({"./app"}).wishes.groups[0].name == "app");
}

BOOST_AUTO_TEST_CASE(files) {
    BOOST_TEST(master({"-e", "/run/p"}).pidfile == "/run/p");
    BOOST_TEST(master({"--pidfile", "p"}).pidfile == "p");
}

BOOST_AUTO_TEST_CASE(what_workers_get) {
    BOOST_TEST(group({"-g"}).command_socket_as_fd);
    BOOST_TEST(group({"--command-socket-as-fd"}).command_socket_as_fd);
    BOOST_TEST(group({"-k"}).kill_children_on_exit);
    BOOST_TEST(group({"--kill-children-on-exit"}).kill_children_on_exit);
    BOOST_TEST(group({"-l", "77"}).backlog == 77);
    BOOST_TEST(group({"--backlog=1"}).backlog == 1);
}

BOOST_AUTO_TEST_CASE(niceness) {
    BOOST_TEST(master({"--nice", "5"}).nice.value() == 5);
    BOOST_TEST(!group({"--nice", "5"}).worker_nice.has_value());
    BOOST_TEST(master({"--nice", "-4:19"}).nice.value() == -4);
    BOOST_TEST(group({"--nice", "-4:19"}).worker_nice.value() == 19);
    for (const char* value : {"-4", "-6"}) // which are options, too
        BOOST_TEST(master({"--nice", value}).nice.value() == std::stoi(value));
    BOOST_TEST(group({"--nice=0:-20"}).worker_nice.value() == -20);
}

BOOST_AUTO_TEST_CASE(logging) {
    BOOST_TEST(master({"--syslog"}).syslog);
    BOOST_TEST((master({"--log-format", "json"}).log_format == log_format::json));
    BOOST_TEST((master({"--log-format=json", "--log-format=text"}).log_format == log_format::text));
    BOOST_TEST((master({"-v"}).verbosity == verbosity::verbose));
    BOOST_TEST((master({"--verbose"}).verbosity == verbosity::verbose));
    BOOST_TEST((master({"-q"}).verbosity == verbosity::quiet));
    BOOST_TEST((master({"--quiet"}).verbosity == verbosity::quiet));
}

BOOST_AUTO_TEST_CASE(all_together) {
    settings all = run({"-n8",
                        "-b",
                        ":80,r",
                        "-b",
                        "unix:@x",
                        "-4",
                        "-m",
                        "--ack-timeout",
                        "9",
                        "-r3",
                        "-s",
                        "2",
                        "--stop-signal",
                        "QUIT",
                        "-t",
                        "7",
                        "--max-unacked",
                        "2",
                        "--max-upgrade-additional=3",
                        "--drop-env-var",
                        "A",
                        "-d",
                        "s",
                        "-c",
                        "web",
                        "-e",
                        "p",
                        "-f",
                        "l",
                        "-gk",
                        "-l",
                        "9",
                        "--nice",
                        "1:2",
                        "--syslog",
                        "-v",
                        "--log-format",
                        "json",
                        "--socket-mode",
                        "0666",
                        "--socket-group",
                        "g"});
    const group_settings& one = all.groups[0];
    BOOST_TEST(one.name == "web");
    BOOST_TEST(one.policy.number == 8u);
    BOOST_TEST(one.listeners.size() == 2u);
    BOOST_TEST((timeout_of(one.policy.ack) == 9s));
    BOOST_TEST(one.policy.stop_signal == SIGQUIT);
    BOOST_TEST(one.worker_nice.value() == 2);
    BOOST_TEST(all.master.socket_path == "s");
    BOOST_TEST(all.master.lockfile == "l");
    BOOST_TEST(all.master.socket_mode.value() == 0666u);
}

BOOST_AUTO_TEST_CASE(a_file_of_groups) {
    command_line line =
        parsed({"--config", "x.toml", "-c", "all", "-t", "5", "--ack-timeout", "7"});
    BOOST_TEST(line.wishes.master.config_file == "x.toml");
    BOOST_TEST(line.wishes.master.socket_path == "/tmp/einhorn-all.sock");
    BOOST_TEST(line.wishes.master.lockfile == "/tmp/einhorn-all.lock");
    BOOST_REQUIRE(line.wishes.groups.size() == 1u);
    const group_settings& base = line.wishes.groups[0];
    BOOST_TEST(base.name == "");
    BOOST_TEST(base.command.empty());
    BOOST_TEST((base.policy.signal_timeout == 5s));
    BOOST_TEST((base.ack_timeout == 7s));
    BOOST_TEST(base.policy.max_unacked == cpus);
    BOOST_TEST(parsed({"--config", "x"}).wishes.master.socket_path == "/tmp/einhorn.sock");
}

// What is wrong

BOOST_DATA_TEST_CASE(wrong_words, data::make(wrong_cases)) {
    words given = sample.given;
    given.push_back("prog");
    BOOST_TEST(complaint_about(given) == sample.message);
    BOOST_TEST(complaint_about(given).find('\n') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(rubbish_is_refused_in_one_line) {
    for (const char* word : {"--", "-", "---", "--=", "--=x", "-=", "-\n", "--\x01", "-n=\xff",
                             "--number\n=3", "--\xff\xfe"}) {
        auto line = parse_command_line({word}, cpus);
        BOOST_TEST((line || line.error().message.find_first_of("\n\x01") == std::string::npos));
    }
    BOOST_TEST(complaint_about({"--" + std::string(100'000, 'x')}).size() < 300u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::config
