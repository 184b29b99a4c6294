// SPDX-License-Identifier: GPL-3.0-or-later
//
// What a running einhorn of Ruby hands over, as its Ruby writes it.
#include "handoff/einhorn_state.hpp"
#include "handoff/text.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <csignal>
#include <string>

namespace {

using namespace einhyrningsins;
using namespace std::chrono_literals;

const std::string whole_state = R"(---
:state:
  :children:
    4711:
      :type: :worker
      :version: 3
      :acked: true
      :signaled: &1 !ruby/object:Set
        hash: {}
      :last_signaled_at:
      :index: 0
      :spinup_time: &2 2026-11-21 09:00:00.500000000 Z
      :pinged_at: *2
      :pinged_request_id: x
    4712:
      :type: :worker
      :version: 2
      :acked: true
      :signaled: !ruby/object:Set
        hash:
          USR2: true
          TERM: true
      :last_signaled_at: 2026-11-21 10:59:59.000000000 +02:00
      :index: 1
      :spinup_time: *2
    4713:
      :type: :worker
      :version: 3
      :acked: false
      :signaled: *1
      :last_signaled_at:
      :index: 2
      :spinup_time: 2026-11-21 08:59:58.000000000 +00:00
    4714:
      :type: :state_passer
  :config:
    :number: 3
    :backlog: 128
    :seconds: 0.5
    :max_unacked: 2
  :versions: {}
  :version: 3
  :sockets: {}
  :orig_cmd: &3
  - app
  :bind:
  - - 127.0.0.1
    - 18999
    - - r
      - "n"
  - - 0.0.0.0
    - 0
    - []
  :bind_fds:
  - 7
  - 9
  :bound_ports:
  - 18999
  - 43210
  :cmd:
  - "/srv/app"
  - "--flag"
  :script_name:
  :respawn: true
  :upgrading: false
  :smooth_upgrade: false
  :reloading_for_upgrade: true
  :path:
  :cmd_name: web
  :verbosity: 0
  :generation: 5
  :last_spinup: *2
  :ack_mode:
    :type: :timer
    :timeout: 2.5
  :kill_children_on_exit: true
  :command_socket_as_fd: true
  :socket_path:
  :pidfile: "/run/web.pid"
  :lockfile:
  :consecutive_deaths_before_ack: 0
  :last_upgraded:
  :nice:
    :master: -1
    :worker: 4
    :renice_cmd: "/usr/bin/renice"
  :reexec_commandline:
  - "/usr/bin/einhorn"
  - "two words"
  :drop_environment_variables:
  - SECRET
  :signal_timeout: 20
  :preloaded: false
:persistent_descriptors:
- :class: Einhorn::Event::CommandServer
  :server: 8
- :class: Einhorn::Event::Connection
  :socket: 10
  :read_buffer: !binary |-
    AP8=
  :write_buffer: half a reply
  :subscriptions:
    :upgrade: '7'
- :class: Einhorn::Event::Connection
  :socket: 11
- :class: Einhorn::Event::ACKTimer
  :time: 1
  :start: 2026-11-21 09:10:30.457086540 +00:00
  :pid: 4713
- :class: Einhorn::Event::OfTheFuture
  :wings: 2
)";

const core::time_point now(1000s);

handoff::einhorn_surroundings surroundings() {
    using namespace std::chrono;
    // 2026-11-21 09:00:01 UTC
    return {.wall_clock = system_clock::time_point(seconds(1795251601)),
            .now = now,
            .cpus = 6,
            .temporary_directory = "/var/tmp",
            .working_directory = "/srv"};
}

handoff::state parsed(const std::string& text) {
    auto result = handoff::parse_einhorn(text, surroundings());
    BOOST_REQUIRE_MESSAGE(result, result.error());
    return std::move(*result);
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
    auto at = text.find(what);
    BOOST_REQUIRE_MESSAGE(at != std::string::npos, what);
    return text.replace(at, what.size(), by);
}

std::string refusal(const std::string& text) {
    auto result = handoff::parse_einhorn(text, surroundings());
    return result ? "" : result.error();
}

} // namespace

BOOST_AUTO_TEST_SUITE(handoff_einhorn_state)

BOOST_AUTO_TEST_CASE(settings) {
    handoff::state all = parsed(whole_state);
    BOOST_TEST((all.master.personality == config::personality::einhorn));
    BOOST_TEST(all.master.command_name == "web");
    BOOST_TEST(all.master.socket_path == "/var/tmp/einhorn-web.sock");
    BOOST_TEST(all.master.lockfile == "/var/tmp/einhorn-web.lock");
    BOOST_TEST(all.master.pidfile == "/run/web.pid");
    BOOST_TEST(all.master.nice.value() == -1);
    BOOST_TEST(all.master.reexec_as == (std::vector<std::string>{"/usr/bin/einhorn", "two words"}),
               boost::test_tools::per_element());
    BOOST_TEST((all.log_level == core::severity::debug));
    BOOST_TEST(all.reloads == 5U);
    const config::group_settings& group = all.groups.at(0).settings;
    BOOST_TEST(group.name == "web");
    BOOST_TEST(group.command == (std::vector<std::string>{"/srv/app", "--flag"}),
               boost::test_tools::per_element());
    BOOST_TEST(group.backlog == 128);
    BOOST_TEST(group.drop_variables.at(0) == "SECRET");
    BOOST_TEST(group.command_socket_as_fd);
    BOOST_TEST(group.kill_children_on_exit);
    BOOST_TEST(group.worker_nice.value() == 4);
    BOOST_TEST(group.listeners.at(0).text == "127.0.0.1:18999,r,n");
    BOOST_TEST(group.listeners.at(1).text == "0.0.0.0:0");
}

BOOST_AUTO_TEST_CASE(policy) {
    core::policy wishes = parsed(whole_state).groups[0].state.wishes;
    BOOST_TEST(wishes.number == 3U);
    BOOST_TEST((std::get<core::ack_timer>(wishes.ack).survive == 2500ms));
    BOOST_TEST((wishes.seconds == 500ms));
    BOOST_TEST((wishes.signal_timeout == 20s));
    BOOST_TEST(wishes.kill_at_timeout);
    BOOST_TEST(wishes.max_unacked == 2U);
    std::string manual =
        replaced(whole_state, "    :type: :timer\n    :timeout: 2.5\n", "    :type: :manual\n");
    wishes = parsed(replaced(manual, "    :max_unacked: 2\n", "")).groups[0].state.wishes;
    BOOST_TEST((std::get<core::ack_manual>(wishes.ack).timeout == 0s));
    BOOST_TEST(wishes.max_unacked == 6U);
}

BOOST_AUTO_TEST_CASE(workers) {
    core::group_state state = parsed(whole_state).groups[0].state;
    BOOST_TEST(state.current.generation == 4U);
    BOOST_TEST(state.current.proven);
    BOOST_REQUIRE(state.workers.size() == 3U);
    const core::worker &ready = state.workers[0], &stopping = state.workers[1],
                       &starting = state.workers[2];
    BOOST_TEST(ready.pid == 4711);
    BOOST_TEST((ready.state == core::worker_state::ready));
    BOOST_TEST(ready.generation == 4U);
    BOOST_TEST((ready.since == now - 500ms));
    BOOST_TEST((stopping.state == core::worker_state::stopping));
    BOOST_TEST(stopping.generation == 3U);
    BOOST_TEST(stopping.index == 1U);
    BOOST_TEST(stopping.told.signal == SIGTERM);
    BOOST_TEST((stopping.told.at == now - 2s));
    BOOST_TEST((starting.state == core::worker_state::starting));
    BOOST_TEST((starting.since == now - 3s));
}

BOOST_AUTO_TEST_CASE(descriptors_and_clients) {
    handoff::state all = parsed(whole_state);
    BOOST_TEST(handoff::descriptors(all) == (std::vector<int>{8, 7, 9, 10, 11}),
               boost::test_tools::per_element());
    BOOST_TEST(all.control->file.path == "/var/tmp/einhorn-web.sock");
    BOOST_TEST(all.connections[0].received == std::string("\0\xff", 2));
    BOOST_TEST(all.connections[0].unsent == "half a reply");
}

BOOST_AUTO_TEST_CASE(the_upgrade_that_was_asked_for) {
    handoff::state all = parsed(whole_state);
    BOOST_REQUIRE(all.wishes.size() == 1U);
    BOOST_TEST(all.wishes[0].fd == 10);
    BOOST_TEST(all.wishes[0].id.as_string() == "7");
    BOOST_TEST(all.wishes[0].einhorn);
    BOOST_TEST((all.wishes[0].upgrade == core::upgrade_mode::fleet));
    std::string quiet = replaced(whole_state, "    :upgrade: '7'\n", "    {}\n");
    all = parsed(replaced(quiet, ":smooth_upgrade: false", ":smooth_upgrade: true"));
    BOOST_REQUIRE(all.wishes.size() == 1U);
    BOOST_TEST(all.wishes[0].fd == -1);
    BOOST_TEST((all.wishes[0].upgrade == core::upgrade_mode::rolling));
    all = parsed(replaced(quiet, ":reloading_for_upgrade: true", ":reloading_for_upgrade: false"));
    BOOST_TEST(all.wishes.empty());
}

BOOST_AUTO_TEST_CASE(sockets_of_words_in_the_command) {
    std::string text = replaced(whole_state, "  :sockets: {}\n",
                                "  :sockets:\n    ? - 127.0.0.1\n      - '8000'\n    : 12\n");
    text = replaced(text, "  :orig_cmd: &3\n  - app\n",
                    "  :orig_cmd: &3\n  - app\n  - \"--listen=srv:127.0.0.1:8000,r\"\n  - x\n");
    handoff::state all = parsed(text);
    const config::group_settings& group = all.groups.at(0).settings;
    BOOST_TEST(group.command == (std::vector<std::string>{"/srv/app", "--listen=3", "x"}),
               boost::test_tools::per_element());
    BOOST_TEST(group.server_words == 1U);
    BOOST_REQUIRE(all.groups[0].listeners.size() == 3U);
    BOOST_TEST(all.groups[0].listeners[0].fd == 12);
    BOOST_TEST(all.groups[0].listeners[1].fd == 7);
    BOOST_TEST(refusal(replaced(text, "'8000'", "'8001'")) ==
               "einhorn's state: :sockets has none for 127.0.0.1:8000,r");
}

BOOST_AUTO_TEST_CASE(it_can_be_handed_on) {
    std::string text = handoff::to_text(parsed(whole_state));
    auto again = handoff::parse(text);
    BOOST_REQUIRE_MESSAGE(again, again.error());
    BOOST_TEST(handoff::to_text(*again) == text);
}

BOOST_AUTO_TEST_CASE(little_is_enough) {
    handoff::state all = parsed("---\n:state:\n  :cmd:\n  - /bin/x\n");
    BOOST_TEST(all.groups.at(0).settings.name == "x");
    BOOST_TEST(all.master.socket_path == "/var/tmp/einhorn.sock");
    BOOST_TEST((std::get<core::ack_timer>(all.groups[0].state.wishes.ack).survive == 1s));
    BOOST_TEST(!all.control.has_value());
}

BOOST_AUTO_TEST_CASE(errors_name_the_key) {
    BOOST_TEST(refusal("") == "einhorn's state: :state is missing");
    BOOST_TEST(refusal("a: [").starts_with("einhorn's state: line "));
    BOOST_TEST(refusal("---\n:state: {}\n") == "einhorn's state: :cmd is missing");
    BOOST_TEST(refusal(replaced(whole_state, ":number: 3", ":number: many")) ==
               "einhorn's state: :number has a value of the wrong kind");
    BOOST_TEST(refusal(replaced(whole_state, ":timeout: 2.5", ":timeout: -1")) ==
               "einhorn's state: :timeout is no number of seconds from 0 to 10000000");
    BOOST_TEST(refusal(replaced(whole_state, "    - 18999\n    - - r", "    - 99999\n    - - r"))
                   .starts_with("einhorn's state: :bind: "));
    BOOST_TEST(refusal(replaced(whole_state, "  - 9\n", "  - 7\n"))
                   .ends_with("descriptor 7 is there twice or reserved"));
}

BOOST_AUTO_TEST_SUITE_END()
