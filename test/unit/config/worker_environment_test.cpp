// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/worker_environment.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace einhyrningsins::config {
namespace {

using text_list = std::vector<std::string>;

environment_facts some_facts() {
    environment_facts facts;
    facts.inherited = {"PATH=/bin", "HOME=/root"};
    facts.master_pid = 4711;
    facts.socket_path = "/run/app/control.sock";
    facts.group_name = "web";
    facts.generation = 3;
    return facts;
}

void check(const environment_facts& facts, const text_list& expected) {
    BOOST_TEST(worker_environment(facts) == expected, boost::test_tools::per_element());
}

bool has(const environment_facts& facts, const std::string& entry) {
    text_list all = worker_environment(facts);
    return std::find(all.begin(), all.end(), entry) != all.end();
}

bool has_variable(const environment_facts& facts, const std::string& name) {
    text_list all = worker_environment(facts);
    return std::any_of(all.begin(), all.end(),
                       [&](const std::string& entry) { return entry.starts_with(name + "="); });
}

} // namespace

BOOST_AUTO_TEST_SUITE(config_worker_environment)

BOOST_AUTO_TEST_CASE(without_listeners) {
    check(some_facts(), {"PATH=/bin", "HOME=/root", "EINHORN_MASTER_PID=4711",
                         "EINHORN_SOCK_PATH=/run/app/control.sock", "EINHORN_FD_COUNT=0",
                         "EINHORN_FDS=", "EINHORN_CHILD_INDEX=", "SERVER_STARTER_GENERATION=3"});
}

/// Their numbers are in the program's arguments already.
BOOST_AUTO_TEST_CASE(sockets_in_words_have_no_number) {
    environment_facts facts = some_facts();
    facts.listeners = {{"AF_INET", "", "1"}, {"AF_INET", "", "2"}, {"AF_INET6", "", "3"}};
    facts.server_words = 2;
    facts.socket_as_fd = true;
    for (const char* entry : {"EINHORN_FD_COUNT=1", "EINHORN_FD_0=5", "EINHORN_FDS=5",
                              "EINHORN_FD_FAMILY_0=AF_INET6", "EINHORN_SOCK_FD=6", "LISTEN_FDS=3"})
        BOOST_TEST(has(facts, entry), entry);
    BOOST_TEST(!has_variable(facts, "EINHORN_FD_1"));
}

BOOST_AUTO_TEST_CASE(with_everything) {
    environment_facts facts = some_facts();
    facts.listeners = {{"AF_INET6", "", "8080"},
                       {"AF_INET", "admin", "127.0.0.1:9000"},
                       {"AF_UNIX", "", ""},
                       {"AF_UNIX", "", "/run/a.sock"}};
    facts.socket_as_fd = true;
    facts.notify_address = "@0001f";
    check(facts, {"PATH=/bin",
                  "HOME=/root",
                  "EINHORN_MASTER_PID=4711",
                  "EINHORN_SOCK_PATH=/run/app/control.sock",
                  "EINHORN_SOCK_FD=7",
                  "EINHORN_FD_COUNT=4",
                  "EINHORN_FD_0=3",
                  "EINHORN_FD_FAMILY_0=AF_INET6",
                  "EINHORN_FD_1=4",
                  "EINHORN_FD_FAMILY_1=AF_INET",
                  "EINHORN_FD_2=5",
                  "EINHORN_FD_FAMILY_2=AF_UNIX",
                  "EINHORN_FD_3=6",
                  "EINHORN_FD_FAMILY_3=AF_UNIX",
                  "EINHORN_FDS=3 4 5 6",
                  "EINHORN_CHILD_INDEX=",
                  "LISTEN_FDS=4",
                  "LISTEN_PID=",
                  "LISTEN_FDNAMES=web:admin:web:web",
                  "SERVER_STARTER_PORT=8080=3;127.0.0.1:9000=4;/run/a.sock=6",
                  "SERVER_STARTER_GENERATION=3",
                  "NOTIFY_SOCKET=@0001f"});
}

BOOST_AUTO_TEST_CASE(the_socket_descriptor_comes_first_without_listeners) {
    environment_facts facts = some_facts();
    facts.socket_as_fd = true;
    BOOST_TEST(has(facts, "EINHORN_SOCK_FD=3"));
}

BOOST_AUTO_TEST_CASE(only_abstract_listeners) {
    environment_facts facts = some_facts();
    facts.listeners = {{"AF_UNIX", "", ""}};
    BOOST_TEST(has(facts, "SERVER_STARTER_PORT="));
    BOOST_TEST(has(facts, "LISTEN_FDS=1"));
}

BOOST_AUTO_TEST_CASE(names_are_made_fit_for_listen_fdnames) {
    environment_facts facts = some_facts();
    facts.group_name = "my app:1";
    facts.listeners = {{"AF_INET", "", "80"}, {"AF_INET", "a:b", "81"}};
    BOOST_TEST(has(facts, "LISTEN_FDNAMES=my_app_1:a_b"));
}

BOOST_AUTO_TEST_CASE(what_was_meant_for_the_master_is_gone) {
    environment_facts facts = some_facts();
    facts.inherited = {"LISTEN_FDS=9",
                       "LISTEN_PID=1",
                       "LISTEN_FDNAMES=x",
                       "LISTEN_ANYTHING=x",
                       "NOTIFY_SOCKET=/outer",
                       "WATCHDOG_USEC=1",
                       "WATCHDOG_PID=1",
                       "FDSTORE=1",
                       "MAINPID=1",
                       "MEMORY_PRESSURE_WATCH=x",
                       "MEMORY_PRESSURE_WRITE=x",
                       "EINHORN_FD_COUNT=7",
                       "EINHORN_FD_0=99",
                       "EINHORN_SOCK_FD=8",
                       "EINHORN_OUTER=x",
                       "SERVER_STARTER_PORT=80=3",
                       "SERVER_STARTER_GENERATION=9"};
    check(facts, {"EINHORN_MASTER_PID=4711", "EINHORN_SOCK_PATH=/run/app/control.sock",
                  "EINHORN_FD_COUNT=0",
                  "EINHORN_FDS=", "EINHORN_CHILD_INDEX=", "SERVER_STARTER_GENERATION=3"});
}

BOOST_AUTO_TEST_CASE(what_only_looks_like_it_stays) {
    environment_facts facts = some_facts();
    facts.inherited = {
        "LISTEN=1",       "MY_LISTEN_FDS=1",  "NOTIFY_SOCKET2=x", "FDSTORE_X=1",  "MAINPID_=1",
        "EINHORN=x",      "SERVER_STARTER=x", "WATCHDOG=1",       "listen_fds=1", "EMPTY=",
        "A=b=c\n\"d\"\\", "BYTES=\xff\xfe",   "NO_EQUALS_SIGN",   "=odd"};
    text_list all = worker_environment(facts);
    all.resize(facts.inherited.size());
    BOOST_TEST(all == facts.inherited, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(dropped_variables) {
    environment_facts facts = some_facts();
    facts.inherited = {"SECRET=x", "SECRET2=y", "OTHER=z", "KEEP=1"};
    facts.dropped = {"SECRET", "OTHER", "ABSENT"};
    BOOST_TEST(!has_variable(facts, "SECRET"));
    BOOST_TEST(!has_variable(facts, "OTHER"));
    BOOST_TEST(has(facts, "SECRET2=y"));
    BOOST_TEST(has(facts, "KEEP=1"));
}

BOOST_AUTO_TEST_CASE(what_the_master_says_cannot_be_dropped) {
    environment_facts facts = some_facts();
    facts.dropped = {"EINHORN_MASTER_PID", "LISTEN_FDS", "NOTIFY_SOCKET"};
    facts.listeners = {{"AF_INET", "", "80"}};
    facts.notify_address = "@a";
    BOOST_TEST(has(facts, "EINHORN_MASTER_PID=4711"));
    BOOST_TEST(has(facts, "LISTEN_FDS=1"));
    BOOST_TEST(has(facts, "NOTIFY_SOCKET=@a"));
}

BOOST_AUTO_TEST_CASE(no_variable_comes_twice) {
    environment_facts facts = some_facts();
    facts.listeners = {{"AF_INET", "", "80"}};
    facts.notify_address = "@a";
    facts.socket_as_fd = true;
    facts.inherited = worker_environment(facts); // a master under a master
    text_list names;
    for (const std::string& entry : worker_environment(facts))
        names.push_back(entry.substr(0, entry.find('=')));
    std::sort(names.begin(), names.end());
    BOOST_TEST((std::adjacent_find(names.begin(), names.end()) == names.end()));
}

BOOST_AUTO_TEST_CASE(added_ones_replace_inherited_ones) {
    environment_facts facts = some_facts();
    facts.dropped = {"HOME", "A"};
    facts.added = {"A=1",
                   "PATH=/opt",
                   "A=2",
                   "LISTEN_PID=7",
                   "EINHORN_FD_COUNT=9",
                   "EINHORN_CHILD_INDEX=4",
                   "WATCHDOG_USEC=5"};
    check(facts, {"PATH=/opt", "A=2", "WATCHDOG_USEC=5", "EINHORN_MASTER_PID=4711",
                  "EINHORN_SOCK_PATH=/run/app/control.sock", "EINHORN_FD_COUNT=0",
                  "EINHORN_FDS=", "EINHORN_CHILD_INDEX=", "SERVER_STARTER_GENERATION=3"});
}

BOOST_AUTO_TEST_CASE(variables_of_firestarter) {
    environment_facts facts = some_facts();
    facts.listeners = {{"AF_INET", "", "1"}, {"AF_INET", "", "2"}};
    facts.variable_prefix = "APP";
    for (const char* entry : {"APP_MASTER_PID=4711", "APP_SOCK_PATH=/run/app/control.sock",
                              "APP_FD_COUNT=2", "APP_FD_0=3", "APP_FD_1=4"})
        BOOST_TEST(has(facts, entry), entry);
    BOOST_TEST(!has_variable(facts, "APP_SOCK_FD"));
    facts.socket_as_fd = true;
    facts.group_socket_path = "/tmp/web.socket";
    BOOST_TEST(has(facts, "APP_SOCK_FD=5"));
    BOOST_TEST(has(facts, "APP_SOCK_PATH=/tmp/web.socket"));
    BOOST_TEST(has(facts, "EINHORN_SOCK_PATH=/run/app/control.sock"));
}

BOOST_AUTO_TEST_CASE(firestarters_names_are_private_and_no_others) {
    environment_facts facts = some_facts();
    facts.inherited = {"APP_FD_COUNT=9", "APP_FD_17=9",          "APP_WATCH_FILE=9",
                       "APP_FD_X=kept",  "APP_SECRET=kept",      "FIRESTARTER_FD_0=9",
                       "APPS_FD_0=kept", "FIRESTARTER_SOCK_FD=9"};
    facts.variable_prefix = "APP";
    for (const char* name :
         {"APP_FD_17", "APP_WATCH_FILE", "FIRESTARTER_FD_0", "FIRESTARTER_SOCK_FD"})
        BOOST_TEST(!has_variable(facts, name), name);
    BOOST_TEST(has(facts, "APP_FD_COUNT=0"));
    for (const char* name : {"APP_FD_X", "APP_SECRET", "APPS_FD_0"})
        BOOST_TEST(has(facts, std::string(name) + "=kept"), name);
}

BOOST_AUTO_TEST_CASE(nothing_is_said_twice_under_einhorns_name) {
    environment_facts facts = some_facts();
    facts.variable_prefix = "EINHORN";
    text_list all = worker_environment(facts);
    BOOST_TEST(std::ranges::count(all, "EINHORN_MASTER_PID=4711") == 1);
    BOOST_TEST(std::ranges::count(all, "EINHORN_FD_COUNT=0") == 1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::config
