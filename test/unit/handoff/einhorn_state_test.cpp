// SPDX-License-Identifier: GPL-3.0-or-later
//
// The state that a running einhorn in Ruby hands over, as written by Ruby.
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
            .working_directory = "/srv",
            .command = {}};
}

handoff::einhorn_state read(const std::string& text) {
    auto result = handoff::parse_einhorn(text, surroundings());
    BOOST_REQUIRE_MESSAGE(result, result.error());
    return std::move(*result);
}

/// Of a state in which everything has a meaning.
handoff::state parsed(const std::string& text) {
    handoff::einhorn_state result = read(text);
    for (const std::string& remark : result.remarks)
        BOOST_ERROR(remark);
    return std::move(result.all);
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
    BOOST_REQUIRE(all.requests.size() == 1U);
    BOOST_TEST(all.requests[0].fd == 10);
    BOOST_TEST(all.requests[0].id.as_string() == "7");
    BOOST_TEST((all.requests[0].dialect == config::dialect_name::einhorn));
    BOOST_TEST((all.requests[0].upgrade == core::upgrade_mode::fleet));
    std::string quiet = replaced(whole_state, "    :upgrade: '7'\n", "    {}\n");
    all = parsed(replaced(quiet, ":smooth_upgrade: false", ":smooth_upgrade: true"));
    BOOST_REQUIRE(all.requests.size() == 1U);
    BOOST_TEST(all.requests[0].fd == -1);
    BOOST_TEST((all.requests[0].upgrade == core::upgrade_mode::rolling));
    all = parsed(replaced(quiet, ":reloading_for_upgrade: true", ":reloading_for_upgrade: false"));
    BOOST_TEST(all.requests.empty());
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
    auto lost = read(replaced(text, "'8000'", "'8001'"));
    BOOST_TEST(lost.remarks.at(0) == ":sockets has no socket for 127.0.0.1:8000,r");
    BOOST_TEST(lost.all.groups[0].listeners[0].fd == -1);
    auto unknown = read(replaced(text, "8000,r", "8000,R,so_reuseport"));
    BOOST_TEST(unknown.all.groups[0].listeners[0].spec->spec.text == "127.0.0.1:8000,r");
    BOOST_TEST(unknown.all.groups[0].settings.command.at(1) == "--listen=3");
    BOOST_TEST(unknown.remarks.size() == 1U);
}

BOOST_AUTO_TEST_CASE(it_can_be_handed_on) {
    std::string text = handoff::to_text(parsed(whole_state));
    auto again = handoff::parse(text);
    BOOST_REQUIRE_MESSAGE(again, again.error());
    BOOST_TEST(handoff::to_text(*again) == text);
}

BOOST_AUTO_TEST_CASE(little_is_enough) {
    handoff::state all = parsed("---\n:state:\n  :cmd:\n  - /bin/x\n:persistent_descriptors: []\n");
    BOOST_TEST(all.groups.at(0).settings.name == "x");
    BOOST_TEST(all.master.socket_path == "/var/tmp/einhorn.sock");
    BOOST_TEST((std::get<core::ack_timer>(all.groups[0].state.wishes.ack).survive == 1s));
    BOOST_TEST(!all.control.has_value());
}

BOOST_AUTO_TEST_CASE(words_of_any_bytes) {
    auto all = parsed(replaced(whole_state, "  - \"--flag\"\n", "  - !binary |-\n    /w==\n"));
    BOOST_TEST(all.groups[0].settings.command.at(1) == "\xff");
}

BOOST_AUTO_TEST_CASE(ids_keep_their_type) {
    auto id = [](const std::string& text) {
        return parsed(replaced(whole_state, ":upgrade: '7'", ":upgrade: " + text))
            .requests.at(0)
            .id;
    };
    BOOST_TEST((id("'7'") == boost::json::value("7")));
    BOOST_TEST((id("7") == boost::json::value(7)));
    BOOST_TEST((id("seven") == boost::json::value("seven")));
}

struct odd_value {
    const char* what;   ///< of the whole state
    const char* by;     ///< the odd value
    const char* remark; ///< a part of what is said about it
};

/// einhorn puts up with any of these, and serves.
constexpr odd_value odd_values[]{
    {":number: 3", ":number: many", ":number is 'many'"},
    {":number: 3", ":number: -3", ":number is '-3'"},
    {":number: 3", ":number: {}", ":number is of the wrong kind"},
    {":timeout: 2.5", ":timeout: -1", ":timeout is '-1'"},
    {":timeout: 2.5", ":timeout: .inf", ":timeout is '.inf'"},
    {":seconds: 0.5", ":seconds: -0.5", ":seconds is '-0.5'"},
    {":signal_timeout: 20", ":signal_timeout: -5", ":signal_timeout is '-5'"},
    {":max_unacked: 2", ":max_unacked: -1", ":max_unacked is '-1'"},
    {":max_unacked: 2", ":max_upgrade_additional: -1", ":max_upgrade_additional is '-1'"},
    {":backlog: 128", ":backlog: [1]", ":backlog is of the wrong kind"},
    {":verbosity: 0", ":verbosity: loud", ":verbosity is 'loud'"},
    {":generation: 5", ":generation: -5", ":generation is '-5'"},
    {":master: -1", ":master: x", ":master is 'x'"},
    {":command_socket_as_fd: true", ":command_socket_as_fd: 7", ":command_socket_as_fd is '7'"},
    {":pidfile: \"/run/web.pid\"", ":pidfile: [a]", ":pidfile is of the wrong kind"},
    {"    - - r\n", "    - - xyz\n", ":bind: 127.0.0.1:18999: the flag 'xyz' is unknown"},
    {"    - - r\n", "    - - so_reuseport\n", "the flag 'so_reuseport' is unknown"},
    {"    - - r\n", "    - - {}\n", "the flag '' is unknown"},
    {"    - 18999\n    - - r", "    - 99999\n    - - r",
     "'127.0.0.1:99999' is not a valid address here"},
    {"  - - 0.0.0.0\n", "  - - systemd\n", "'systemd:0' is not a valid address here"},
    {"  - - 0.0.0.0\n    - 0\n    - []\n", "  - 5\n", ":bind has an entry that is not an address"},
    {"  - 9\n", "  - 7\n", "descriptor '7' is used twice"},
    {"  - 9\n", "  - x\n", "descriptor 'x' is not valid"},
    {"  - 9\n", "  - 2\n", "descriptor '2' is not valid"},
    {"  :socket: 11\n", "  :socket: 10\n", "descriptor '10' is used twice"},
    {"  :server: 8\n", "  :server: x\n", "descriptor 'x' is not valid"},
    {"    4712:\n", "    1:\n", ":children: '1' is not a worker's pid"},
    {"    4712:\n", "    4711:\n", ":children: '4711' is not a worker's pid"},
    {":reexec_commandline:\n  - \"/usr/bin/einhorn\"\n  - \"two words\"\n",
     ":reexec_commandline: x\n", ":reexec_commandline is 'x'"},
};

BOOST_AUTO_TEST_CASE(what_has_no_meaning_here_takes_its_default) {
    for (const odd_value& odd : odd_values) {
        auto result = read(replaced(whole_state, odd.what, odd.by));
        BOOST_TEST_CONTEXT(odd.by) {
            BOOST_TEST(result.remarks.size() == 1U);
            for (const std::string& remark : result.remarks)
                BOOST_TEST(remark.find(odd.remark) != remark.npos, remark);
            auto again = handoff::parse(handoff::to_text(result.all));
            BOOST_TEST(again.has_value());
        }
    }
}

BOOST_AUTO_TEST_CASE(the_defaults) {
    auto policy = [](const std::string& what, const std::string& by) {
        return read(replaced(whole_state, what, by)).all.groups[0].state.wishes;
    };
    BOOST_TEST(policy(":number: 3", ":number: many").number == 3U); // as many as there are
    BOOST_TEST(policy(":max_unacked: 2", ":max_unacked: -1").max_unacked == 6U);
    BOOST_TEST(policy(":max_unacked: 2", ":max_unacked: 0").max_unacked == 1U);
    BOOST_TEST((policy(":signal_timeout: 20", ":signal_timeout: -5").signal_timeout == 0s));
    BOOST_TEST((policy(":signal_timeout: 20", ":signal_timeout: 0").signal_timeout == 1ns));
    auto ack = policy(":timeout: 2.5", ":timeout: -1").ack;
    BOOST_TEST((std::get<core::ack_timer>(ack).survive == 1s));
}

/// Its workers must not lose a socket because einhorn understands its address and we do not.
BOOST_AUTO_TEST_CASE(sockets_of_odd_addresses_are_kept) {
    auto all = read(replaced(whole_state, "  - - 127.0.0.1\n", "  - - systemd\n")).all;
    BOOST_REQUIRE(all.groups[0].listeners.size() == 2U);
    BOOST_TEST(all.groups[0].listeners[0].fd == 7);
    BOOST_TEST(!all.groups[0].listeners[0].spec.has_value());
    BOOST_TEST(all.groups[0].listeners[1].fd == 9);
    BOOST_TEST(all.groups[0].listeners[1].spec->spec.text == "0.0.0.0:0");
}

BOOST_AUTO_TEST_CASE(the_program_may_be_told_otherwise) {
    handoff::einhorn_surroundings where = surroundings();
    where.command = {"/srv/other", "-x"};
    auto result =
        handoff::parse_einhorn(replaced(whole_state, "  :cmd:\n", "  :old_cmd:\n"), where);
    BOOST_REQUIRE_MESSAGE(result, result.error());
    BOOST_TEST(result->all.groups[0].settings.command == where.command,
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_no_state) {
    BOOST_TEST(refusal("") == "einhorn's state is empty");
    BOOST_TEST(refusal("a: [\n").starts_with("einhorn's state: line "));
    BOOST_TEST(refusal("---\n:state: {}\n:persistent_descriptors: []\n") ==
               "einhorn's state: :cmd is missing");
    BOOST_TEST(refusal("---\n:state: 5\n") == "einhorn's state: :state is missing");
}

/// Wherever the writer has ended, the beginning alone is not taken for the state.
BOOST_AUTO_TEST_CASE(a_state_without_its_end) {
    std::size_t last = whole_state.find(":persistent_descriptors:");
    for (std::size_t size = 0; size < last; ++size)
        BOOST_TEST(refusal(whole_state.substr(0, size)) != "", size);
    BOOST_TEST(refusal(whole_state.substr(0, last)) ==
               "einhorn's state ends too early: :persistent_descriptors is missing");
    BOOST_TEST(refusal(whole_state.substr(0, whole_state.size() - 1)) ==
               "einhorn's state ends too early: within a line");
}

BOOST_AUTO_TEST_CASE(times_that_no_clock_shows_are_not_known) {
    // The start of a worker whose time is not known is now.
    for (std::string odd : {"2026--2147483648-21 09:00:00 Z", "2026-11--2147483648 09:00:00 Z",
                            "2026-11-21 -2147483648:00:00 Z", "2026-11-21 09:-2147483648:00 Z",
                            "2026-11-21 09:00:00 +-2147483648:00",
                            "2026-11-21 09:00:00 +02:-2147483648", "2026-13-21 09:00:00 Z"}) {
        auto result = read(replaced(whole_state, "2026-11-21 08:59:58.000000000 +00:00", odd));
        BOOST_TEST((result.all.groups[0].state.workers[2].since == now), odd);
    }
}

BOOST_AUTO_TEST_SUITE_END()
