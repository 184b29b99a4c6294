// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/firestarter_command_line.hpp"

#include <boost/test/unit_test.hpp>

using namespace einhyrningsins::config;

BOOST_AUTO_TEST_SUITE(firestarter_command_line)

namespace {

const firestarter_place place{"/tmp", ""};

auto parse(std::vector<std::string> words) {
    words.insert(words.begin(), "run");
    return parse_firestarter_command_line(words, 3, place);
}

std::string complaint(const std::vector<std::string>& words) {
    auto line = parse(words);
    BOOST_TEST_REQUIRE(!line);
    return line.error().message;
}

} // namespace

BOOST_AUTO_TEST_CASE(sockets) {
    BOOST_TEST(firestarter_socket(place, "control") == "/tmp/firestarter-control.socket");
    BOOST_TEST(firestarter_socket({"/a/", "app"}, "web1") == "/a/app-web1.socket");
}

BOOST_AUTO_TEST_CASE(a_file_is_all_that_it_takes) {
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"-c", "x.toml"}, {"--config", "x.toml"}, {"--conf=x.toml"}}) {
        auto line = parse(words);
        BOOST_TEST_REQUIRE(line.has_value());
        const master_settings& master = line->wishes.master;
        BOOST_TEST((master.personality == personality::firestarter));
        BOOST_TEST(master.config_file == "x.toml");
        BOOST_TEST(master.socket_path == "/tmp/firestarter-control.socket");
        BOOST_TEST(master.lockfile == "/tmp/firestarter-control.socket.lock");
        BOOST_TEST(line->wishes.groups[0].policy.max_unacked == 3u);
    }
    BOOST_TEST(parse({"-c", "x", "-d", "/a.sock"})->wishes.master.socket_path == "/a.sock");
}

BOOST_AUTO_TEST_CASE(groups_have_sockets_of_their_own) {
    settings wishes;
    wishes.groups = {{.name = "a"}, {.name = "b"}};
    wishes.groups[1].control_socket = "/own";
    fill_in_firestarter_sockets(wishes, {"/t", "app"});
    BOOST_TEST(wishes.groups[0].control_socket == "/t/app-a.socket");
    BOOST_TEST(wishes.groups[1].control_socket == "/own");
}

BOOST_AUTO_TEST_CASE(other_requests) {
    BOOST_TEST((parse({"-h"})->kind == request_kind::help));
    BOOST_TEST((parse({"-V"})->kind == request_kind::version));
    BOOST_TEST((parse({"--check", "-c", "x"})->kind == request_kind::check));
}

BOOST_AUTO_TEST_CASE(wrong_words) {
    BOOST_TEST(complaint({}).find("-c FILE") != std::string::npos);
    BOOST_TEST(complaint({"-c"}).find("--config") != std::string::npos);
    BOOST_TEST(complaint({"-c", "x", "y"}).starts_with("'y' is not expected here"));
    BOOST_TEST(complaint({"-n", "3"}).find("'-n'") != std::string::npos);
    BOOST_TEST(!parse_firestarter_command_line({"list"}, 1, place));
}

BOOST_AUTO_TEST_CASE(every_option_does_something_and_is_in_help) {
    for (const option& one : firestarter_options()) {
        BOOST_TEST(one.take != nullptr);
        BOOST_TEST(firestarter_usage().find(std::string("--") + one.name) != std::string::npos);
    }
}

BOOST_AUTO_TEST_SUITE_END()
