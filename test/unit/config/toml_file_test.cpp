// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/toml_file.hpp"

#include "config/toml_key.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <csignal>
#include <functional>
#include <ostream>
#include <set>

namespace einhyrningsins::config {
namespace {

namespace data = boost::unit_test::data;
using namespace std::chrono_literals;
using words = std::vector<std::string>;
using group_list = std::vector<group_settings>;

const words environment{"HOME=/root", "EMPTY=", "HOMER=simpson"};

auto read(std::string_view text, const group_settings& base = {}) {
    return read_toml_file({"f.toml", text, base, environment});
}

group_list groups(std::string_view text, const group_settings& base = {}) {
    auto all = read(text, base);
    if (!all) BOOST_FAIL(all.error()[0]);
    return *all;
}

/// One group of these lines, which has a program.
group_settings group(const std::string& lines, const group_settings& base = {}) {
    group_list all = groups("[web]\ncmd = [\"app\"]\n" + lines, base);
    BOOST_REQUIRE(all.size() == 1u);
    return all[0];
}

words complaints_about(std::string_view text) {
    auto all = read(text);
    BOOST_REQUIRE(!all);
    return all.error();
}

void check(const words& got, const words& expected) {
    BOOST_TEST(got == expected, boost::test_tools::per_element());
}

} // namespace

BOOST_AUTO_TEST_SUITE(config_toml_file)

BOOST_AUTO_TEST_CASE(defaults) {
    group_settings base;
    base.policy.max_unacked = 12;
    group_settings web = group("", base);
    BOOST_TEST(web.name == "web");
    check(web.command, {"app"});
    BOOST_TEST(web.policy.number == 1u);
    BOOST_TEST((web.policy.restart == core::restart_policy::never));
    BOOST_TEST((std::get<core::ack_timer>(web.policy.ack).survive == 1s));
    BOOST_TEST((web.ack_timeout == 30s));
    BOOST_TEST(!web.policy.on_demand); // there is nobody to wait for
    BOOST_TEST(!web.policy.retries.has_value());
    BOOST_TEST(web.policy.stop_signal == SIGUSR2);
    BOOST_TEST(!web.policy.stop_command);
    BOOST_TEST((web.policy.warmup == 0s));
    BOOST_TEST((web.policy.live_check == 0s));
    BOOST_TEST((web.policy.signal_timeout == 60s));
    BOOST_TEST(web.policy.max_unacked == 12u);
    BOOST_TEST(web.variable_prefix == "FIRESTARTER");
    BOOST_TEST(web.environment.empty());
    BOOST_TEST(web.working_directory == "");
    BOOST_TEST(web.user == "");
    BOOST_TEST(web.group == "");
    BOOST_TEST((!web.stdout_log && !web.stderr_log));
    BOOST_TEST(!web.auto_upgrade);
    BOOST_TEST(web.upgrader.empty());
    BOOST_TEST((web.upgrader_timeout == 300s));
    BOOST_TEST((web.upgrader_interval == 0s));
    BOOST_TEST(web.control_socket == "");
    BOOST_TEST(web.backlog == 1024);
}

BOOST_AUTO_TEST_CASE(groups_are_in_the_order_of_the_file) {
    group_list all = groups("[zebra]\ncmd=['a']\n['a b.c']\ncmd=['b']\n[monkey]\nexec_start='c'\n"
                            "[i]\ncmd=['x']\n");
    BOOST_REQUIRE(all.size() == 4u);
    BOOST_TEST(all[0].name == "zebra");
    BOOST_TEST(all[1].name == "a b.c");
    BOOST_TEST(all[2].name == "monkey");
    BOOST_TEST(all[3].name == "i");
    check(all[2].command, {"c"});
}

BOOST_AUTO_TEST_CASE(tables_may_be_written_inline) {
    group_list all = groups("a = { cmd = ['x'], numprocesses = 3 }\nb.exec_start = 'y'\n");
    BOOST_REQUIRE(all.size() == 2u);
    BOOST_TEST(all[0].policy.number == 3u);
    check(all[1].command, {"y"});
}

// Every key

BOOST_AUTO_TEST_CASE(commands) {
    check(groups("[a]\ncmd = ['p q', '', '$HOME']")[0].command, {"p q", "", "$HOME"});
    check(groups("[a]\ncmd = \"p 'q r' $HOME\"")[0].command, {"p", "q r", "/root"});
    check(groups("[a]\nexec_start = \"p '$HOME' ${HOME}x \\\"$EMPTY\\\" $$\"")[0].command,
          {"p", "$HOME", "/rootx", "", "$"});
    check(groups("[a]\nexec_start = ['p', 'q']")[0].command, {"p", "q"});
    group_settings web = group("exec_stop = 'kill -9 \"a b\"'\nupgrader = ['/u', 'x y']");
    check(web.stop_command, {"kill", "-9", "a b"});
    BOOST_TEST(web.policy.stop_command);
    check(web.upgrader, {"/u", "x y"});
    check(group("upgrader = 'a b'").upgrader, {"a", "b"});
}

BOOST_AUTO_TEST_CASE(commands_see_the_variables_of_the_group) {
    group_settings web = groups("[a]\nexec_start = '$HOME $NEW'\n"
                                "environments = ['HOME=/h', 'NEW=1', 'NEW=2=3']")[0];
    check(web.command, {"/h", "2=3"});
    check(web.environment, {"HOME=/h", "NEW=1", "NEW=2=3"});
}

BOOST_AUTO_TEST_CASE(numbers_of_workers) {
    BOOST_TEST(group("numprocesses = 7").policy.number == 7u);
    BOOST_TEST(group("numprocesses = \"7\"").policy.number == 7u);
    BOOST_TEST(group("numprocesses = 7.0").policy.number == 7u);
    BOOST_TEST(group("number = 7").policy.number == 7u);
}

BOOST_AUTO_TEST_CASE(places_and_owners) {
    group_settings web = group("working_directory = '/srv'\nuid = 1000\ngid = 'www'\nnice = -5\n"
                               "control_socket = '/run/x'");
    BOOST_TEST(web.working_directory == "/srv");
    BOOST_TEST(web.user == "1000");
    BOOST_TEST(web.group == "www");
    BOOST_TEST(web.worker_nice.value() == -5);
    BOOST_TEST(web.control_socket == "/run/x");
    web = group("uid = 'nobody'\ngid = 0");
    BOOST_TEST(web.user == "nobody");
    BOOST_TEST(web.group == "0");
}

BOOST_AUTO_TEST_CASE(restart_policies) {
    using enum core::restart_policy;
    BOOST_TEST((group("restart = 'none'").policy.restart == never));
    BOOST_TEST((group("restart = 'on-failure'").policy.restart == on_failure));
    BOOST_TEST((group("restart = 'always'").policy.restart == always));
}

BOOST_AUTO_TEST_CASE(beginnings) {
    BOOST_TEST(group("bind = ['1']").policy.on_demand);
    BOOST_TEST(group("bind = ['1']\nstart_immediate = false").policy.on_demand);
    BOOST_TEST(!group("start_immediate = true\nbind = ['1']").policy.on_demand);
    BOOST_TEST(!group("start_immediate = false").policy.on_demand);
    BOOST_TEST((group("warmup_delay = 2").policy.warmup == 2s));
    BOOST_TEST((group("warmup_delay = 0.25").policy.warmup == 250ms));
    BOOST_TEST((group("warmup_delay = '0.25'").policy.warmup == 250ms));
}

BOOST_AUTO_TEST_CASE(giving_up) {
    BOOST_TEST(group("giveup = 3").policy.retries.value() == 3u);
    BOOST_TEST(!group("giveup = 0").policy.retries.has_value());
    BOOST_TEST(group("retries = 3").policy.retries.value() == 3u);
    BOOST_TEST(group("retries = 0").policy.retries.value() == 0u);
}

BOOST_AUTO_TEST_CASE(listeners) {
    group_settings web =
        group("socket_address = ['4000', 4001, '127.0.0.1:4002,r', '4003,n', "
              "'/tmp/foo.sock', 'udp:127.0.0.1:53', 'tcp::127.0.0.1:4004', ':80']");
    words texts;
    for (const bind_spec& one : web.listeners)
        texts.push_back(one.text);
    check(texts, {"127.0.0.1:4000", "127.0.0.1:4001", "127.0.0.1:4002,r", "127.0.0.1:4003,n",
                  "/tmp/foo.sock", "udp:127.0.0.1:53", "tcp::127.0.0.1:4004", ":80"});
    BOOST_TEST((web.listeners[1].address == parse_bind_spec("127.0.0.1:4001")->address));
    BOOST_TEST(web.listeners[3].non_blocking);
    BOOST_TEST(group("bind = ['4000']").listeners[0].text == "127.0.0.1:4000");
    BOOST_TEST(group("bind = []").listeners.empty());
    BOOST_TEST((group("ipv6_only = true").family == ip_family::v6));
    BOOST_TEST((group("ipv4_only = true\nipv6_only = false").family == ip_family::v4));
    BOOST_TEST(group("backlog = 5").backlog == 5);
}

BOOST_AUTO_TEST_CASE(acks) {
    using core::ack_manual, core::ack_none, core::ack_notify, core::ack_timer;
    auto ack = [](const char* lines) { return group(lines).policy.ack; };
    BOOST_TEST((std::get<ack_timer>(ack("ack = 'timer'")).survive == 1s));
    BOOST_TEST((std::get<ack_manual>(ack("ack = 'manual'")).timeout == 30s));
    BOOST_TEST((std::get<ack_notify>(ack("ack = 'notify'")).timeout == 30s));
    BOOST_TEST(std::holds_alternative<ack_none>(ack("ack = 'none'")));
    BOOST_TEST((std::get<ack_manual>(ack("ack_mode = 'manual'")).timeout == 30s));
    BOOST_TEST((std::get<ack_timer>(ack("ack_mode = 0.5")).survive == 500ms));
    BOOST_TEST(std::holds_alternative<ack_manual>(ack("manual = true")));
    BOOST_TEST(std::holds_alternative<ack_timer>(ack("manual = false")));
}

BOOST_AUTO_TEST_CASE(the_time_of_an_ack_in_any_order) {
    using core::ack_manual, core::ack_none, core::ack_notify, core::ack_timer;
    for (bool first : {false, true}) {
        auto ack = [&](const std::string& mode) {
            std::string time = "ack_timeout = 2.5\n";
            return group(first ? time + mode : mode + "\n" + time).policy.ack;
        };
        BOOST_TEST((std::get<ack_timer>(ack("")).survive == 2500ms));
        BOOST_TEST((std::get<ack_timer>(ack("ack = 'timer'")).survive == 2500ms));
        BOOST_TEST((std::get<ack_manual>(ack("ack = 'manual'")).timeout == 2500ms));
        BOOST_TEST((std::get<ack_notify>(ack("ack = 'notify'")).timeout == 2500ms));
        BOOST_TEST((std::get<ack_manual>(ack("manual = true")).timeout == 2500ms));
        BOOST_TEST((std::get<ack_notify>(ack("ack_mode = 'notify'")).timeout == 2500ms));
        BOOST_TEST(std::holds_alternative<ack_none>(ack("ack = 'none'")));
    }
    BOOST_TEST((group("ack = 'manual'\nack_timeout = 2").ack_timeout == 2s));
}

BOOST_AUTO_TEST_CASE(signals) {
    BOOST_TEST(group("ack_signal = 'SIGTERM'").policy.stop_signal == SIGTERM);
    BOOST_TEST(group("ack_signal = 'usr1'").policy.stop_signal == SIGUSR1);
    BOOST_TEST(group("ack_signal = 15").policy.stop_signal == SIGTERM);
    BOOST_TEST(group("stop_signal = 'QUIT'").policy.stop_signal == SIGQUIT);
}

BOOST_AUTO_TEST_CASE(logs) {
    group_settings web = group("stdout_log = 'size:10:5:/tmp/o'\nstderr_log = "
                               "'time:1:D:L:7:/tmp/e'");
    BOOST_TEST((web.stdout_log == *parse_log_spec("size:10:5:/tmp/o")));
    BOOST_TEST((web.stderr_log == *parse_log_spec("time:1:D:L:7:/tmp/e")));
}

BOOST_AUTO_TEST_CASE(upgrades_by_themselves) {
    group_settings web = group("live_check_timeout = 60\nauto_upgrade = true\nupgrader = 'u'\n"
                               "upgrader_active_sec=10\nupgrader_timeout=1.5");
    BOOST_TEST((web.policy.live_check == 60s));
    BOOST_TEST(web.auto_upgrade);
    BOOST_TEST((web.upgrader_interval == 10s));
    BOOST_TEST((web.upgrader_timeout == 1500ms));
    BOOST_TEST(!group("auto_upgrade = false\nupgrader_active_sec = 0").auto_upgrade);
}

BOOST_AUTO_TEST_CASE(variables) {
    BOOST_TEST(group("environment_base_name = 'MY_APP'").variable_prefix == "MY_APP");
    check(group("drop_env_var = ['A', 'B']").drop_variables, {"A", "B"});
}

BOOST_AUTO_TEST_CASE(other_options_of_workers) {
    group_settings web = group("seconds = 0.5\nsignal_timeout = 5\nmax_unacked = 2\n"
                               "max_upgrade_additional = '3'\ncommand_socket_as_fd = true\n"
                               "kill_children_on_exit = true\npreload = '/x.so'\n"
                               "signal_scope = 'group'\nleftovers = 'keep'");
    BOOST_TEST((web.policy.seconds == 500ms));
    BOOST_TEST((web.policy.signal_timeout == 5s));
    BOOST_TEST(web.policy.max_unacked == 2u);
    BOOST_TEST(web.policy.max_upgrade_additional.value() == 3u);
    BOOST_TEST(web.command_socket_as_fd);
    BOOST_TEST(web.kill_children_on_exit);
    BOOST_TEST(web.preload == "/x.so");
    BOOST_TEST((web.signal_scope == signal_scope::group));
    BOOST_TEST((web.leftovers == leftovers::keep));
}

BOOST_AUTO_TEST_CASE(the_file_overrides_the_command_line) {
    group_settings base;
    base.policy.signal_timeout = 5s;
    base.policy.seconds = 9s;
    base.drop_variables = {"X"};
    base.kill_children_on_exit = true;
    base.command_socket_as_fd = true;
    base.family = ip_family::v4;
    base.ack_timeout = 7s;
    base.policy.ack = core::ack_manual{7s};
    group_settings web = group("signal_timeout = 6\ndrop_env_var = ['Y']\n"
                               "kill_children_on_exit = false\nipv6_only = true",
                               base);
    BOOST_TEST((web.policy.signal_timeout == 6s));
    BOOST_TEST((web.policy.seconds == 9s));
    check(web.drop_variables, {"Y"});
    BOOST_TEST(!web.kill_children_on_exit);
    BOOST_TEST(web.command_socket_as_fd);
    BOOST_TEST((web.family == ip_family::v6));
    BOOST_TEST((std::get<core::ack_manual>(web.policy.ack).timeout == 7s));
    BOOST_TEST(
        (std::get<core::ack_notify>(group("ack = 'notify'", base).policy.ack).timeout == 7s));
    BOOST_TEST((std::get<core::ack_timer>(group("ack = 'timer'", base).policy.ack).survive == 1s));
}

// The table

BOOST_AUTO_TEST_CASE(every_key_is_known_once) {
    std::set<std::string> seen;
    for (const std::string& name : key_names())
        BOOST_TEST(seen.insert(name).second, name);
    for (const option& one : options())
        BOOST_TEST(seen.contains(key_of(one)) == one.of_workers, one.name);
    for (rival_keys row : rivals())
        for (const char* name : row)
            BOOST_TEST(seen.contains(name), name);
}

/// A value of the right type is not refused for its type, and one of another is.
BOOST_AUTO_TEST_CASE(every_key_checks_its_type) {
    auto complains_of_type = [](const std::string& key, const char* value) {
        auto all = read("[a]\n" + key + " = " + value);
        return !all && std::ranges::any_of(all.error(), [](const std::string& line) {
            return line.find(": it must be ") != line.npos;
        });
    };
    auto check_key = [&](const std::string& key, key_type type) {
        for (const char* value : {"1979-05-27", "{ x = 1 }"})
            BOOST_TEST(complains_of_type(key, value), key);
        bool is_scalar = type == key_type::scalar, is_flag = type == key_type::flag;
        bool takes_ports = type == key_type::places;
        bool is_list = type == key_type::list || takes_ports || type == key_type::command;
        BOOST_TEST(complains_of_type(key, "1") == !(is_scalar || type == key_type::name), key);
        BOOST_TEST(complains_of_type(key, "1.5") == !is_scalar, key);
        BOOST_TEST(complains_of_type(key, "true") == !is_flag, key);
        BOOST_TEST(complains_of_type(key, "'x'") ==
                       (is_flag || type == key_type::list || takes_ports),
                   key);
        BOOST_TEST(complains_of_type(key, "['x']") == !is_list, key);
        BOOST_TEST(complains_of_type(key, "['x', 1]") == !takes_ports, key);
        for (const char* value : {"[['x']]", "['x', 1.5]", "['x', true]", "['x', { y = 1 }]"})
            BOOST_TEST(complains_of_type(key, value), key);
    };
    for (const toml_key& one : toml_keys())
        check_key(one.name, one.type);
    for (const option* one : options_in_files())
        check_key(key_of(*one), type_of(*one));
}

// What is wrong

struct wrong_file {
    const char* text;
    words complaints;
};

std::ostream& operator<<(std::ostream& to, const wrong_file& one) { return to << one.text; }

const std::vector<wrong_file> wrong_files{
    // The file as a whole
    {"", {"f.toml:1:1: there is no group: write [NAME], and cmd = [\"PROGRAM\"] below it"}},
    {"# nothing\n",
     {"f.toml:1:1: there is no group: write [NAME], and cmd = [\"PROGRAM\"] below it"}},
    {"numprocesses = 1\n",
     {"f.toml:1:1: key 'numprocesses': is not in a group: write it below a line like [web]"}},
    {"[[web]]\ncmd = ['a']",
     {"f.toml:1:3: key 'web': a group exists only once: write [web] instead of [[web]]"}},
    {"['a/b']\ncmd = ['a']",
     {"f.toml:1:2: group 'a/b' is not a valid name: it must be a word without '/'"}},
    {"['']\ncmd = ['a']",
     {"f.toml:1:2: group '' is not a valid name: it must be a word without '/'"}},
    {"[\"a\\nb\"]\ncmd = ['a']",
     {"f.toml:1:2: group 'a?b' is not a valid name: it must be a word without '/'"}},
    {"[a]\n", {"f.toml:1:2: group 'a': key 'cmd' is missing: write cmd = [\"PROGRAM\"]"}},
    {"[a.b]\ncmd = ['x']",
     {"f.toml:1:2: group 'a': key 'cmd' is missing: write cmd = [\"PROGRAM\"]",
      "f.toml:1:4: key 'b': a group cannot contain tables; quote a name that contains a dot, as in "
      "[\"a.b\"]"}},
    // Keys
    {"[a]\ncmd = ['a']\nnumproceses = 3",
     {"f.toml:3:1: key 'numproceses': is unknown (did you mean 'numprocesses'?)"}},
    {"[a]\ncmd = ['a']\n  max-unacked = 3",
     {"f.toml:3:3: key 'max-unacked': is unknown (did you mean 'max_unacked'?)"}},
    {"[a]\ncmd = ['a']\nxyzzy = 3",
     {"f.toml:3:1: key 'xyzzy': is unknown: see einhyrningsins.toml(5) for all keys"}},
    {"[a]\ncmd = ['a']\npidfile = 'x'",
     {"f.toml:3:1: key 'pidfile': concerns the master: use its option --pidfile"}},
    {"[a]\ncmd = ['a']\n\nexec_start = 'a'",
     {"f.toml:4:1: key 'exec_start': means the same as 'cmd' in line 2: leave one of them out"}},
    {"[a]\nexec_start = 'a'\ncmd = ['a']",
     {"f.toml:3:1: key 'cmd': means the same as 'exec_start' in line 2: leave one of them out"}},
    {"[a]\ncmd = ['a']\ngiveup = 1\nretries = 1",
     {"f.toml:4:1: key 'retries': means the same as 'giveup' in line 3: leave one of them out"}},
    {"[a]\ncmd = ['a']\nnumber = 1\nnumprocesses = 1",
     {"f.toml:4:1: key 'numprocesses': means the same as 'number' in line 3: leave one of them "
      "out"}},
    {"[a]\ncmd = ['a']\nmanual = true\nack = 'none'",
     {"f.toml:4:1: key 'ack': means the same as 'manual' in line 3: leave one of them out"}},
    {"[a]\ncmd = ['a']\nack_mode = 3\nack_timeout = 2",
     {"f.toml:4:1: key 'ack_timeout': 'ack_mode' already sets the time: leave this key out"}},
    {"[a]\ncmd = ['a']\nupgrader_active_sec = 3",
     {"f.toml:3:1: key 'upgrader_active_sec': there is no upgrader to run: set upgrader as well"}},
    // Types
    {"[a]\ncmd = 3",
     {"f.toml:2:7: key 'cmd': is an integer: it must be an array of strings, or a string"}},
    {"[a]\ncmd = ['a', 3]", {"f.toml:2:13: key 'cmd': is an integer: it must be a string"}},
    {"[a]\ncmd = []", {"f.toml:2:7: key 'cmd': is empty: name a program"}},
    {"[a]\ncmd = ['']", {"f.toml:2:8: key 'cmd': the name of the program is empty"}},
    {"[a]\ncmd = ' '", {"f.toml:2:7: key 'cmd': is empty: name a program"}},
    {"[a]\ncmd = [\"a\\u0000b\"]",
     {"f.toml:2:8: key 'cmd': contains a null character, which is not allowed"}},
    {"[a]\ncmd = ['a']\nnumprocesses = [1]",
     {"f.toml:3:16: key 'numprocesses': is an array: it must be a number or a string"}},
    {"[a]\ncmd = ['a']\nstart_immediate = 'yes'",
     {"f.toml:3:19: key 'start_immediate': is a string: it must be true or false"}},
    {"[a]\ncmd = ['a']\nenvironments = 'A=1'",
     {"f.toml:3:16: key 'environments': is a string: it must be an array of strings"}},
    {"[a]\ncmd = ['a']\nworking_directory = 1979-05-27",
     {"f.toml:3:21: key 'working_directory': is a date or time: it must be a string"}},
    {"[a]\ncmd = ['a']\ndrop_env_var = [1, 'X', 2]\nenvironments = [['A=1'], true]",
     {"f.toml:3:17: key 'drop_env_var': is an integer: it must be a string",
      "f.toml:3:25: key 'drop_env_var': is an integer: it must be a string",
      "f.toml:4:17: key 'environments': is an array: it must be a string",
      "f.toml:4:26: key 'environments': is a boolean: it must be a string"}},
    {"[a]\ncmd = ['a']\nbind = [1.5]",
     {"f.toml:3:9: key 'bind': is a float: it must be a string or a port"}},
    // Numbers that the parser cannot read
    {"[a]\ncmd = ['a']\nbacklog = 99999999999999999999",
     {"f.toml:3:31: key 'backlog': Error while parsing decimal integer: '99999999999999999999' is "
      "not representable in 64 bits"}},
    {"[a]\ncmd = ['a']\n\"bind\" = [ 'x = y', # z = 1\n 'c=d', 0xFFFFFFFFFFFFFFFFFF ]",
     {"f.toml:4:29: key 'bind': Error while parsing hexadecimal integer: '0xFFFFFFFFFFFFFFFFFF' is "
      "not representable in 64 bits"}},
    {"[a]\ncmd = ['a']\nseconds = 1e999",
     {"f.toml:3:16: key 'seconds': Error while parsing floating-point: '1e999' could not be "
      "interpreted as a value"}},
    {"[a]\ncmd = ['a']\nseconds = 012",
     {"f.toml:3:14: key 'seconds': Error while parsing decimal integer: leading zeroes are "
      "prohibited"}},
    // What is there already
    {"['a b']\ncmd = ['a']\n['a b']",
     {"f.toml:3:1: Error while parsing table header: cannot redefine existing table"}},
    {"[\"web \u00fc\"]\n  [ \"web \u00fc\" ]\n",
     {"f.toml:2:3: Error while parsing table header: cannot redefine existing table"}},
    {"[a]\n[ a ]\n",
     {"f.toml:2:1: Error while parsing table header: cannot redefine existing table 'a'"}},
    {"[a]\n\"c d\" = 1\n\"c d\" = 2",
     {"f.toml:3:9: Error while parsing key-value pair: cannot redefine existing integer"}},
    {"a = 1\n[[a.'b c']]\n[d]",
     {"f.toml:3:1: Error while parsing table header: cannot redefine existing integer as "
      "array-of-tables"}},
    {"a = 1\na = 2",
     {"f.toml:2:5: Error while parsing key-value pair: cannot redefine existing integer 'a'"}},
    {"a = {}\n[a.'b c']\n[d]",
     {"f.toml:3:1: Error while parsing table header: cannot insert into existing inline table"}},
    // Values
    {"[a]\ncmd = ['a']\nnumprocesses = 0",
     {"f.toml:3:16: key 'numprocesses': '0' is not a number from 1 to 10000"}},
    {"[a]\ncmd = ['a']\nnumprocesses = 1.5",
     {"f.toml:3:16: key 'numprocesses': '1.5' is not a number from 1 to 10000"}},
    {"[a]\ncmd = ['a']\nwarmup_delay = -1",
     {"f.toml:3:16: key 'warmup_delay': '-1' is not a number of seconds, like 30 or 0.5, up to "
      "10000000"}},
    {"[a]\ncmd = ['a']\nwarmup_delay = inf",
     {"f.toml:3:16: key 'warmup_delay': 'inf' is not a number of seconds, like 30 or 0.5, up to "
      "10000000"}},
    {"[a]\ncmd = ['a']\nrestart = 'On-Failure'",
     {"f.toml:3:11: key 'restart': 'On-Failure' is not 'none', 'on-failure' or 'always'"}},
    {"[a]\ncmd = ['a']\nack = 'x'",
     {"f.toml:3:7: key 'ack': 'x' is not 'timer', 'manual', 'notify' or 'none'"}},
    {"[a]\ncmd = ['a']\nack_signal = 'SIGNOPE'",
     {"f.toml:3:14: key 'ack_signal': 'SIGNOPE' is not a signal; write USR2, TERM, QUIT, ..."}},
    {"[a]\ncmd = ['a']\nuid = -1",
     {"f.toml:3:7: key 'uid': '-1' is neither a name nor a number from 0 to 4294967294"}},
    {"[a]\ncmd = ['a']\ngid = 4294967295",
     {"f.toml:3:7: key 'gid': '4294967295' is neither a name nor a number from 0 to 4294967294"}},
    {"[a]\ncmd = ['a']\nnice = 20",
     {"f.toml:3:8: key 'nice': '20' is not a number from -20 to 19"}},
    {"[a]\ncmd = ['a']\nenvironments = ['A=1',\n  'B', '=x']",
     {"f.toml:4:3: key 'environments': 'B' does not set a variable; write NAME=VALUE",
      "f.toml:4:8: key 'environments': '=x' does not set a variable; write NAME=VALUE"}},
    {"[a]\ncmd = ['a']\nenvironment_base_name = 'A-B'",
     {"f.toml:3:25: key 'environment_base_name': 'A-B' cannot begin the name of a variable; use "
      "letters, digits and '_'"}},
    {"[a]\ncmd = ['a']\nsocket_address = ['x', '127.0.0.1:70000']",
     {"f.toml:3:19: key 'socket_address': 'x': a port is missing; write HOST:PORT, :PORT, or a "
      "path with a '/'",
      "f.toml:3:24: key 'socket_address': '127.0.0.1:70000': port '70000' is not a number from 0 "
      "to 65535"}},
    {"[a]\ncmd = ['a']\nstdout_log = 'x'",
     {"f.toml:3:14: key 'stdout_log': 'x': must be size:BYTES:BACKUPS:PATH or "
      "time:N:S|M|H|D|MIDNIGHT:U|L:BACKUPS:PATH"}},
    {"[a]\ncmd = ['a']\nworking_directory = ''",
     {"f.toml:3:21: key 'working_directory': must not be empty"}},
    {"[a]\nexec_start = '$NOPE x'",
     {"f.toml:2:14: key 'exec_start': '$NOPE x': variable 'NOPE' is not set; write '$$' for a "
      "dollar sign"}},
    {"[a]\nexec_start = \"x 'y\"",
     {"f.toml:2:14: key 'exec_start': 'x 'y' ends within a quotation: a ' is missing"}},
    {"[a]\nexec_start = \"'' y\"",
     {"f.toml:2:14: key 'exec_start': the name of the program is empty"}},
    // Several groups
    {"[a]\ncmd = ['a']\nbind = [':80', '127.0.0.1:1']\n[b]\ncmd = ['b']\n"
     "socket_address = ['tcp:127.0.0.1:1,r']",
     {"f.toml:6:1: key 'socket_address': 'tcp:127.0.0.1:1,r' is used by group 'a' as well: give "
      "each its own"}},
    {"[a]\ncmd = ['a']\nbind = ['/x', 'unix:/x']",
     {"f.toml:3:1: key 'bind': 'unix:/x' is used twice: give each its own"}},
    {"[a]\ncmd = ['a']\ncontrol_socket = '/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'",
     {"f.toml:3:18: key 'control_socket': the path of a unix socket may have at most 107 bytes"}},
    {"[a]\ncmd = ['a']\ncontrol_socket = '/x'\n[b]\ncmd = ['b']\ncontrol_socket = '/x'",
     {"f.toml:6:1: key 'control_socket': '/x' is used by group 'a' as well: give each its own"}},
    {"[a]\ncmd = ['a']\nstdout_log = 'size:1:2:/x'\nstderr_log = 'size:1:2:/x'\n"
     "[b]\ncmd = ['b']\nstderr_log = 'size:1:3:/x'",
     {"f.toml:7:1: key 'stderr_log': 'size:1:3:/x': group 'a' rotates the same file differently, "
      "by 'size:1:2:/x': write the same for both"}},
};

BOOST_DATA_TEST_CASE(wrong, data::make(wrong_files)) {
    check(complaints_about(sample.text), sample.complaints);
}

BOOST_AUTO_TEST_CASE(all_that_is_wrong_in_the_order_of_the_lines) {
    words all = complaints_about("x = 1\n[b]\nnope = 1\ncmd = 1\n[a]\nrestart = 1\n");
    BOOST_REQUIRE(all.size() == 5u);
    BOOST_TEST(all[0].starts_with("f.toml:1:1: key 'x': "));
    BOOST_TEST(all[1].starts_with("f.toml:3:1: key 'nope': "));
    BOOST_TEST(all[2].starts_with("f.toml:4:7: key 'cmd': "));
    BOOST_TEST(all[3].starts_with("f.toml:5:2: group 'a': "));
    BOOST_TEST(all[4].starts_with("f.toml:6:11: key 'restart': "));
}

BOOST_AUTO_TEST_CASE(what_may_be_asked_for_twice) {
    group_list all = groups("[a]\ncmd = ['a']\nbind = ['0', '0', 'udp:1.1.1.1:1', "
                            "':2,so_reuseport']\n[b]\ncmd = ['b']\n"
                            "bind = ['0', '1.1.1.1:1', ':2,so_reuseport']");
    BOOST_TEST(all.size() == 2u);
}

BOOST_AUTO_TEST_CASE(syntax_errors_have_a_place) {
    for (auto [text, place] : {std::pair{"[a]\nx = 1\nx = 2\n", "f.toml:3:"},
                               {"[a]\ncmd = ['x'\n[a]", "f.toml:3:"},
                               {"[a]\n[a]\n", "f.toml:2:"},
                               {"[a", "f.toml:1:"},
                               {"[a]\ncmd = \"x\n", "f.toml:2:"},
                               {"[a]\ncmd = \xff", "f.toml:2:"},
                               {"\x01", "f.toml:1:1: "}}) {
        words all = complaints_about(text);
        BOOST_TEST(all.size() == 1u);
        BOOST_TEST(all[0].starts_with(place), all[0]);
        BOOST_TEST(all[0].find('\n') == std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(endless_names_are_refused) {
    for (std::string part : {"a.", "\"\"."}) {
        std::string name;
        for (int i = 0; i < 50'000; ++i)
            name += part;
        for (const std::string& text : {"[a]\n" + name + "b = 1\n", "\n[" + name + "b]\n"}) {
            words all = complaints_about(text);
            BOOST_TEST_REQUIRE(all.size() == 1u);
            BOOST_TEST(all[0].starts_with("f.toml:2:"), all[0]);
            BOOST_TEST(all[0].ends_with(": a name may have at most 100 parts separated by dots"));
        }
    }
    std::string dots(1000, '.');
    BOOST_TEST(groups("[a]\ncmd = ['a', '" + dots + "']\n").size() == 1u);
}

BOOST_AUTO_TEST_CASE(there_is_an_end_of_complaints) {
    std::string text = "[a]\n";
    for (int i = 0; i < 2000; ++i)
        text += "nope" + std::to_string(i) + " = 1\n";
    words all = complaints_about(text);
    BOOST_TEST(all.size() == 1001u);
    BOOST_TEST(all.back() == "f.toml: and 1001 more errors");
}

BOOST_AUTO_TEST_CASE(text_of_any_language) {
    group_settings web = group(
        "# \xc3\xa4\xe4\xb8\xad\xf0\x9f\xa6\x84\nexec_stop = '\xc3\xa9 \xe2\x80\x83\xd1\x8f'\n");
    check(web.stop_command, {"\xc3\xa9", "\xe2\x80\x83\xd1\x8f"});
    BOOST_TEST(groups("[\"\xc3\xa4\"]\ncmd = ['a']")[0].name == "\xc3\xa4");
    BOOST_TEST(complaints_about("[\xc3\xa4]\ncmd = ['a']").size() == 1u);
    BOOST_TEST(complaints_about("[a]\ncmd \xc3\xa4 = ['a']").size() == 1u);
}

BOOST_AUTO_TEST_CASE(deep_nests_are_refused) {
    std::string text = "[a]\ncmd = " + std::string(100'000, '[');
    BOOST_TEST(complaints_about(text).size() == 1u);
}

// The example in firestarter's README: its keys and values, first as they stand there, then with
// all that is commented out.

const std::string example = R"([web1] # set worker group name
cmd = ["./demo/target/debug/demo"]
numprocesses = 2
restart = "on-failure"
start_immediate = true
socket_address = ["127.0.0.1:4000", "127.0.0.1:4001"]
environments=["TEST_A=XXXX", "TEST_B=YYYY"]
)";

BOOST_AUTO_TEST_CASE(firestarters_example) {
    group_settings web = groups(example)[0];
    BOOST_TEST(web.name == "web1");
    check(web.command, {"./demo/target/debug/demo"});
    BOOST_TEST(web.policy.number == 2u);
    BOOST_TEST((web.policy.restart == core::restart_policy::on_failure));
    BOOST_TEST(!web.policy.on_demand);
    BOOST_TEST(web.listeners.size() == 2u);
    check(web.environment, {"TEST_A=XXXX", "TEST_B=YYYY"});
}

BOOST_AUTO_TEST_CASE(firestarters_example_with_everything) {
    group_settings web = groups(example + R"(working_directory = "/tmp"
warmup_delay = 1
ack = "manual"
ack_timeout = 2
uid = 1000
gid = 10
stdout_log = "size:10240:5:/tmp/web1_out.log"
stderr_log = "size:10240:5:/tmp/web1_err.log"
live_check_timeout = 60
auto_upgrade = false
upgrader = ["/a/b/upgrader"]
upgrader_active_sec=10
upgrader_timeout=60
)")[0];
    BOOST_TEST((std::get<core::ack_manual>(web.policy.ack).timeout == 2s));
    BOOST_TEST(web.user == "1000");
    BOOST_TEST(web.stderr_log->path == "/tmp/web1_err.log");
    BOOST_TEST((web.upgrader_timeout == 60s));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::config
