// SPDX-License-Identifier: GPL-3.0-or-later
#include "handoff/text.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>

namespace {

using namespace einhyrningsins;
using namespace std::chrono_literals;
namespace json = boost::json;

core::worker ready_worker() {
    core::worker who;
    who.id = core::worker_id(7);
    who.index = 2;
    who.generation = 3;
    who.state = core::worker_state::ready;
    who.pid = 4711;
    who.restarts = 5;
    who.since = core::time_point(12345678901ns);
    who.acked_at = core::time_point(12345678999ns);
    who.ping_id = "a\"\xff\n";
    return who;
}

core::worker stopping_worker() {
    core::worker who = ready_worker();
    who.id = core::worker_id(6);
    who.pid = 4710;
    who.generation = 2;
    who.state = core::worker_state::stopping;
    who.told = {SIGTERM, core::time_point(5s), core::haste::hurried};
    return who;
}

/// With something in every corner.
handoff::group busy_group() {
    handoff::group one;
    one.settings.name = "web";
    one.settings.command = {"/bin/app", "--flag", "b\xc3\xa4"};
    one.settings.listeners = {*config::parse_bind_spec("127.0.0.1:8080,r,n,name=http")};
    one.settings.policy.ack = core::ack_notify{3s};
    one.settings.policy.retries = 4;
    one.settings.worker_nice = -3;
    one.state.wishes = one.settings.policy;
    one.state.phase = core::group_phase::running;
    one.state.workers = {stopping_worker(), ready_worker()};
    one.state.current.generation = 3;
    one.state.current.not_before = core::time_point(9s);
    one.state.upgrade = core::upgrade_progress{.mode = core::upgrade_mode::fleet,
                                               .previous = {.generation = 2, .proven = true},
                                               .capacity = 2,
                                               .again = core::upgrade_mode::rolling,
                                               .failures = {{12, 1, "exit code 1", 3ms}}};
    one.state.last_generation = 3;
    one.state.last_id = 7;
    one.state.restarts = {{0, 2}, {4, 1}};
    one.state.last_death =
        core::death{9, {core::exit_cause::kind_type::signaled, SIGSEGV, true}, 2s, 1};
    one.listeners = {{8, "127.0.0.1:8080", "AF_INET", "127.0.0.1:8080", "http", {}},
                     {9, "/a", "AF_UNIX", "/a", "", handoff::socket_file{"/a", 1, ~0ULL >> 1}}};
    one.recipes = {{{.program = "/bin/app",
                     .arguments = {"/bin/app"},
                     .environment = {"A=1", "LISTEN_PID="},
                     .nice = 5,
                     .die_with_parent = true},
                    3,
                    10}};
    one.notify = handoff::notify_socket{11, "@x"};
    one.control = handoff::control_socket{12, {"/tmp/web", 3, 5}};
    one.running_since = core::time_point(8s);
    one.recipes[0].identity = handoff::identity{1234, 5678, {90, 91}};
    one.recipes[0].indexed_entry = "A_WATCH_FILE=/tmp/x/";
    one.upgrader = handoff::upgrader{.process = handoff::helper{.pid = 50,
                                                                .output = 15,
                                                                .deadline = core::time_point(4s),
                                                                .told = true,
                                                                .why = "it took too long",
                                                                .line = "half",
                                                                .lines = 3,
                                                                .dropped = 4},
                                     .cancelled = true,
                                     .asked = core::upgrade_mode::fleet,
                                     .next = core::time_point(5s)};
    one.stop_command = handoff::helper{.pid = 51, .output = 13};
    one.program = handoff::followed_program{
        .path = "/bin/app", .version = model::file_version{1, 2, 3, -4}, .changing = true};
    one.watch_files = "/tmp/x";
    one.looks = {{2, 77, 1234567890123456789, core::time_point(6s)}};
    one.users = {{4711, 1234}, {4710, 0}};
    return one;
}

/// Output of workers may have any bytes.
std::string every_byte() {
    std::string text;
    for (int n = 0; n < 256; ++n)
        text += {static_cast<char>(n), '"', static_cast<char>(255 - n), '\\'};
    return text;
}

config::log_spec log(const std::string& text) { return *config::parse_log_spec(text); }

model::logs_state busy_logs() {
    return {.last_id = 9,
            .files = {{log("size:100:1:/log/a"), 30, 5, 8, "", false, 0, {1, 2, 3, 4, "why"}},
                      {log("time:1:D:U:7:/log/b"), -1, 6, 9, every_byte(), true, 77, {}}},
            .streams = {{8, 31, "/log/a", every_byte()}, {9, 32, "/log/b", ""}}};
}

handoff::state busy_state() {
    handoff::state all;
    all.master.socket_path = "/tmp/s";
    all.master.reexec_as = {"a", "b c"};
    all.master.socket_mode = 0660;
    all.working_directory = "/srv";
    all.started_at = core::time_point(1s);
    all.last_ran = core::time_point(7s);
    all.reloads = 12;
    all.descriptor_limit = 1024;
    all.log_level = core::severity::debug;
    all.unwritten_log = "half a li";
    all.dropped_log_lines = 3;
    all.lock = handoff::held_file{5, "/tmp/l"};
    all.pidfile = handoff::held_file{6, "/tmp/p"};
    all.control = handoff::control_socket{7, {"/tmp/s", 3, 4}};
    all.groups = {busy_group()};
    all.logs = busy_logs();
    all.connections = {{{100, 1000, 1001, {4, 5}}, 20, "{\"comm", "unread", true, false}};
    all.connections[0].group = "web";
    all.connections[0].inherited = true;
    all.group_watches = {{.fd = 20,
                          .command = "worker:upgrade",
                          .group = "web",
                          .before = {4711},
                          .upgrader = true,
                          .usual_signal = SIGUSR2}};
    all.watches = {
        {.fd = 20, .id = "x", .groups = {"web"}, .upgraders = {"web"}, .many = true, .ok = false}};
    all.requests = {{.fd = 20,
                     .id = 3,
                     .dialect = config::dialect_name::einhorn,
                     .upgrade = core::upgrade_mode::fleet}};
    return all;
}

/// The state's text after a change of its JSON.
template <class Change>
std::string changed(Change change) {
    json::parse_options lenient;
    lenient.allow_invalid_utf8 = true;
    json::value value = json::parse(handoff::to_text(busy_state()), {}, lenient);
    change(value.get_object());
    return json::serialize(value);
}

json::object& first(json::object& in, const char* name) {
    return in[name].get_array()[0].get_object();
}

std::string refusal(const std::string& text) {
    auto result = handoff::parse(text);
    return result ? "" : result.error();
}

} // namespace

BOOST_AUTO_TEST_SUITE(handoff_state)

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
    std::string text = handoff::to_text(busy_state());
    auto again = handoff::parse(text);
    BOOST_REQUIRE_MESSAGE(again, again.error());
    BOOST_TEST(handoff::to_text(*again) == text);
    const handoff::group& one = again->groups.at(0);
    BOOST_TEST((again->last_ran == core::time_point(7s)));
    BOOST_TEST(one.state.workers.at(1).ping_id == "a\"\xff\n");
    BOOST_TEST(one.state.restarts.at(4) == 1U);
    BOOST_TEST(one.settings.command.at(2) == "b\xc3\xa4");
    BOOST_TEST(one.settings.listeners.at(0).name == "http");
    BOOST_TEST((std::get<core::ack_notify>(one.state.wishes.ack).timeout == 3s));
    BOOST_TEST((one.state.upgrade->again == core::upgrade_mode::rolling));
    BOOST_TEST((again->requests.at(0).upgrade == core::upgrade_mode::fleet));
    BOOST_TEST(again->connections.at(0).received == "{\"comm");
    BOOST_TEST(again->connections.at(0).group == "web");
    BOOST_TEST(again->connections.at(0).inherited);
    BOOST_TEST(again->group_watches.at(0).before.at(0) == 4711);
    BOOST_TEST(one.control->file.path == "/tmp/web");
    BOOST_TEST(one.recipes.at(0).identity->groups == (std::vector<unsigned>{90, 91}));
    BOOST_TEST(one.upgrader->process->dropped == 4U);
    BOOST_TEST(one.stop_command->output == 13);
    BOOST_TEST(one.program->version->changed_at == -4);
    BOOST_TEST(one.watch_files == "/tmp/x");
    auto descriptors = handoff::descriptors(*again);
    for (int fd : {12, 13})
        BOOST_TEST(std::ranges::count(descriptors, fd) == 1);
}

/// In the form of masters that knew three states of a worker.
BOOST_AUTO_TEST_CASE(every_state_of_a_worker_is_carried) {
    using enum core::worker_state;
    constexpr core::worker_state states[] = {
        wanted, spawning, cancelled, starting, ready, stopping_by_command, stopping};
    handoff::state all = busy_state();
    all.groups[0].state.workers.clear();
    all.groups[0].state.last_id = std::size(states);
    unsigned id = 0;
    for (core::worker_state state : states) {
        core::worker worker = stopping_worker();
        worker.id = core::worker_id(++id);
        worker.index = id;
        worker.state = state;
        worker.pid = worker.has_process() ? 4000 + static_cast<int>(id) : 0;
        worker.told.signal = worker.active() || state == stopping_by_command ? 0 : SIGTERM;
        all.groups[0].state.workers.push_back(worker);
    }
    std::string text = handoff::to_text(all);
    for (const char* older : {"\"starting\"", "\"ready\"", "\"stopping\""})
        BOOST_TEST(text.find(std::string("\"state\":") + older) != std::string::npos);
    auto again = handoff::parse(text);
    BOOST_REQUIRE_MESSAGE(again, again.error());
    for (std::size_t place = 0; place < std::size(states); ++place)
        BOOST_TEST((again->groups[0].state.workers[place].state == states[place]), place);
}

BOOST_AUTO_TEST_CASE(output_of_workers_is_carried_byte_by_byte) {
    auto again = handoff::parse(handoff::to_text(busy_state()));
    BOOST_REQUIRE_MESSAGE(again, again.error());
    const model::log_file_state& failing = again->logs.files.at(1);
    BOOST_TEST((failing.pending == every_byte()));
    BOOST_TEST(failing.fd == -1);
    BOOST_TEST(failing.cut);
    BOOST_TEST(failing.dropped_before == 77U);
    BOOST_TEST(again->logs.files.at(0).count.last_error == "why");
    BOOST_TEST((again->logs.streams.at(0).partial == every_byte()));
    BOOST_TEST(again->logs.last_id == 9U);
    auto fds = handoff::descriptors(*again);
    for (int fd : {30, 31, 32})
        BOOST_TEST((std::ranges::find(fds, fd) != fds.end()));
}

BOOST_AUTO_TEST_CASE(unknown_members_are_ignored) {
    auto text = changed([](json::object& all) {
        all["later"] = json::object{{"x", 1}};
        first(all, "groups")["colour"] = "green";
        first(first(all, "groups")["state"].get_object(), "workers")["mood"] = nullptr;
    });
    BOOST_TEST(refusal(text) == "");
}

BOOST_AUTO_TEST_CASE(missing_members_have_their_defaults) {
    auto text = changed([](json::object& all) {
        all.erase("connections");
        all.erase("watches");
        all.erase("group_watches");
        all.erase("requests");
        all.erase("logs");
        all.erase("last_ran");
        first(all, "groups")["settings"].get_object().erase("backlog");
        first(all, "groups")["state"].get_object().erase("upgrade");
    });
    auto result = handoff::parse(text);
    BOOST_REQUIRE_MESSAGE(result, result.error());
    BOOST_TEST(!result->last_ran.has_value());
    BOOST_TEST(result->groups[0].settings.backlog == 1024);
    BOOST_TEST(!result->groups[0].state.upgrade.has_value());
    BOOST_TEST(result->logs.files.empty());
    BOOST_TEST(result->logs.streams.empty());
}

BOOST_AUTO_TEST_CASE(errors_name_the_member) {
    BOOST_TEST(refusal("") == "handed-over state is not valid JSON: incomplete JSON");
    BOOST_TEST(refusal("[]") == "handed-over state must be an object");
    BOOST_TEST(refusal(changed([](auto& all) { all["format"] = 2; })) ==
               "handed-over state.format must be 1");
    BOOST_TEST(refusal(changed([](auto& all) { all["groups"] = json::array(); })) ==
               "handed-over state.groups is empty");
    BOOST_TEST(refusal(changed([](auto& all) {
                   first(first(all, "groups")["state"].get_object(), "workers")["pid"] = "x";
               })).starts_with("handed-over state.groups.0.state.workers.0.pid must be a whole"));
    BOOST_TEST(refusal(changed([](auto& all) {
                   first(all, "groups")["settings"].get_object()["family"] = "v5";
               })) == "handed-over state.groups.0.settings.family must be one of any, v4, v6");
    BOOST_TEST(refusal(changed([](auto& all) {
                   first(all, "groups")["settings"].get_object()["listeners"] =
                       json::array{"nonsense:x"};
               })).starts_with("handed-over state.groups.0.settings.listeners.0: "));
}

BOOST_AUTO_TEST_CASE(contradictions_are_found) {
    auto with_worker = [](const char* name, json::value value) {
        return refusal(changed([&](auto& all) {
            first(first(all, "groups")["state"].get_object(), "workers")[name] = value;
        }));
    };
    BOOST_TEST(with_worker("pid", 4711).ends_with("pid 4711 is there twice"));
    BOOST_TEST(with_worker("id", 7).ends_with("worker #7 is there twice"));
    BOOST_TEST(with_worker("id", 8).ends_with("worker #8 is of the future"));
    BOOST_TEST(with_worker("pid", 1).ends_with("has an impossible pid"));
    BOOST_TEST(with_worker("generation", 0).ends_with("is of no known generation"));
}

BOOST_AUTO_TEST_CASE(contradictions_about_clients_are_found) {
    auto with = [](auto change) {
        handoff::state all = busy_state();
        BOOST_TEST(handoff::find_contradiction(all).empty());
        change(all);
        return handoff::find_contradiction(all);
    };
    BOOST_TEST(with([](auto& all) { all.connections[0].fd = 8; }) ==
               ": descriptor 8 is used twice or reserved");
    BOOST_TEST(with([](auto& all) { all.connections[0].fd = -1; }) ==
               ".connections: one has no descriptor");
    BOOST_TEST(with([](auto& all) { all.watches[0].fd = 21; }) ==
               ".watches: one has no connection");
    BOOST_TEST(with([](auto& all) { all.group_watches[0].fd = 21; }) ==
               ".group_watches: one has no connection");
    BOOST_TEST(with([](auto& all) { all.requests[0].fd = 21; }) ==
               ".requests: one has no connection");
}

/// The workers need their master.
BOOST_AUTO_TEST_CASE(a_client_that_cannot_be_is_dropped) {
    auto with = [](auto change) {
        handoff::state all = busy_state();
        change(all);
        auto read = handoff::parse(handoff::to_text(all));
        BOOST_REQUIRE_MESSAGE(read, read.error());
        return *read;
    };
    for (int fd : {8, 2, -1}) {
        auto all = with([&](auto& before) { before.connections[0].fd = fd; });
        BOOST_TEST(all.connections.empty());
        BOOST_TEST(all.watches.empty());
        BOOST_TEST(all.group_watches.empty());
        BOOST_TEST(all.requests.at(0).fd == -1);
        BOOST_TEST(all.groups.at(0).listeners.at(0).fd == 8);
    }
    auto twice = with([](auto& before) { before.connections.push_back(before.connections[0]); });
    BOOST_TEST(twice.connections.size() == 1U);
    BOOST_TEST(with([](auto& before) { before.watches[0].fd = 21; }).watches.empty());
    BOOST_TEST(with([](auto& before) { before.group_watches[0].fd = 21; }).group_watches.empty());
    auto request = with([](auto& before) { before.requests[0].fd = 21; });
    BOOST_TEST(request.requests.at(0).fd == -1);
    BOOST_TEST(request.connections.size() == 1U);
}

BOOST_AUTO_TEST_CASE(contradictions_of_logs_are_found) {
    auto with = [](const char* list, const char* name, json::value value) {
        return refusal(
            changed([&](auto& all) { first(all["logs"].get_object(), list)[name] = value; }));
    };
    BOOST_TEST(with("streams", "fd", 30).ends_with("descriptor 30 is used twice or reserved"));
    BOOST_TEST(with("streams", "id", 9).ends_with(".logs.streams: the number 9 is wrong"));
    BOOST_TEST(with("streams", "id", 10).ends_with(".logs.streams: the number 10 is wrong"));
    BOOST_TEST(with("streams", "id", 0).ends_with(".logs.streams: the number 0 is wrong"));
    BOOST_TEST(
        with("streams", "path", "/x").ends_with(".logs.streams: /x is not one of the files"));
    BOOST_TEST(
        with("files", "spec", "size:1:1:/log/b").ends_with(".logs.files: /log/b occurs twice"));
    BOOST_TEST(with("files", "spec", "x").find(".logs.files.0.spec: 'x': must be size:") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(recipes_may_share_their_directory) {
    handoff::state all = busy_state();
    all.groups[0].recipes.push_back(all.groups[0].recipes[0]);
    auto again = handoff::parse(handoff::to_text(all));
    BOOST_REQUIRE_MESSAGE(again, again.error());
    int shared = again->groups[0].recipes[1].directory;
    auto fds = handoff::descriptors(*again);
    BOOST_TEST(std::ranges::count(fds, shared) == 1);
    handoff::forget(*again, {shared});
    for (const handoff::recipe& one : again->groups[0].recipes)
        BOOST_TEST(one.directory == -1);
}

BOOST_AUTO_TEST_CASE(what_is_missing_is_forgotten) {
    handoff::state all = busy_state();
    handoff::forget(all, {9, 20, 7, 12, 30, 32});
    BOOST_TEST(all.group_watches.empty());
    BOOST_TEST(all.groups[0].control->fd == -1);
    BOOST_TEST(all.connections.empty());
    BOOST_TEST(all.watches.empty());
    BOOST_TEST(all.requests.at(0).fd == -1);
    BOOST_TEST(all.groups[0].listeners[0].fd == 8);
    BOOST_TEST(all.groups[0].listeners[1].fd == -1);
    BOOST_TEST(all.control->fd == -1);
    BOOST_TEST(all.lock->fd == 5);
    BOOST_TEST(all.logs.files[0].fd == -1);
    BOOST_TEST(all.logs.streams[0].fd == 31);
    BOOST_TEST(all.logs.streams[1].fd == -1);
}

BOOST_AUTO_TEST_SUITE_END()
