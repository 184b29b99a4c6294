// SPDX-License-Identifier: GPL-3.0-or-later
#include "world/random_history.hpp"

#include <array>
#include <csignal>
#include <utility>

namespace einhyrningsins::world {
namespace {

using namespace std::chrono_literals;

constexpr std::array commands{"upgrade", "upgrade_fleet", "inc",    "dec",     "status",
                              "list",    "restart",       "stop",   "start",   "killall",
                              "state",   "louder",        "reload", "quieter", "reload-config"};
constexpr std::array half_lines{
    "{\"command\":", "\n",        "{\"command\":\"status\"}",       "- yaml: [",
    "{}\n",          "upgrade\n", "{\"command\":\"worker:ack\"}\n", "\xff\xfe\n"};
constexpr const char* timer = "timer";
constexpr std::array ack_modes{timer, "manual", "notify"};
constexpr const char* groups_file = "/srv/groups.toml";
constexpr std::array of_workers{SIGKILL, SIGSEGV, SIGTERM, SIGUSR2, SIGHUP};
constexpr std::array of_masters{SIGHUP, SIGCONT, SIGALRM, SIGUSR1, SIGTTIN, SIGTTOU, SIGCHLD};
constexpr std::array of_ends{SIGTERM, SIGINT, SIGUSR2, SIGQUIT};

} // namespace

random_history::random_history(std::uint64_t seed, bool with_faults)
    : random_(seed),
      faults_(seed),
      with_faults_(with_faults) {
    world_.fault = [this](std::string_view call) { return faults_.next(call); };
    world_.is_expected = [](const std::string& path) { return path.find(".log") != path.npos; };
    world_.plan = [this](const process& of) { return plan(of); };
}

instant random_history::some_time() {
    constexpr std::array<instant, 6> scales{10us, 1ms, 20ms, 300ms, 2s, 15s};
    return scales[number(0, scales.size() - 1)] * number(0, 10);
}

std::vector<std::string> random_history::words() {
    has_file_ = chance(50);
    if (has_file_) {
        write_file();
        first_file_ = world_.system.files().at(groups_file)->text;
        return {"--config", groups_file};
    }
    const char* mode = one_of(ack_modes);
    std::vector<std::string> words{"--ack-mode", mode == timer ? "0.5" : mode};
    words.insert(words.end(), {"-n", std::to_string(number(1, 6)), "-b", "127.0.0.1:8000"});
    if (mode != timer) words.insert(words.end(), {"--ack-timeout", "3"});
    if (chance(30)) words.insert(words.end(), {"--max-unacked", "1"});
    words.insert(words.end(), {"/srv/server", mode});
    return words;
}

void random_history::write_file() {
    std::string text;
    for (const char* name : {"a", "b", "c", "d"}) {
        if (text.empty() ? false : chance(40)) continue;
        std::string mode = one_of(ack_modes);
        text += "[" + std::string(name) + "]\ncmd = [\"/srv/server\", \"" + mode + "\"]\n" +
                "start_immediate = true\nrestart = \"always\"\nack = \"" + mode +
                "\"\nack_timeout = 2\nnumprocesses = " + std::to_string(number(1, 4)) +
                "\nsocket_address = [\"127.0.0.1:80" + std::to_string(10 + *name - 'a') + "\"]\n";
        if (chance(40)) text += "stdout_log = \"size:500:3:/srv/" + std::string(name) + ".log\"\n";
        if (chance(30)) text += "control_socket = \"/tmp/" + std::string(name) + ".sock\"\n";
    }
    auto there = world_.system.files().at(groups_file);
    if (!there) there = world_.system.files().make(groups_file, S_IFREG | 0644, 1000);
    there->text = text;
}

worker_plan random_history::plan(const process& of) {
    using enum worker_plan::ack_kind;
    const std::string& mode = of.arguments.at(1);
    worker_plan life{.ack = mode == "manual" ? by_socket : mode == "notify" ? by_notify : none};
    if (chance(30)) life.writes_every = std::chrono::seconds(number(1, 10));
    if (is_calm_ || chance(60)) return life;
    life.acks_after = some_time();
    if (chance(10)) life.ack = worker_plan::ack_kind::none;
    if (chance(20)) life.dies_after = some_time();
    if (chance(30)) life.death = SIGSEGV;
    if (chance(10)) life.exits_after = std::nullopt;
    if (chance(30) && life.exits_after) life.exits_after = some_time();
    return life;
}

void random_history::act() {
    switch (number(0, 10)) {
    case 10:
        if (has_file_ && chance(50)) write_file();
        if (has_file_) return ask();
        if (chance(20)) start_again();
        return;
    case 0:
    case 1: return strike();
    case 2:
        if (!world_.is_listening()) return; // one that starts may be ended by any
        return world_.system.kill(world_.master, of_masters[number(0, of_masters.size() - 1)]);
    case 3: return be_strange();
    case 4: {
        if (clients_.empty()) return;
        clients_[number(0, static_cast<unsigned>(clients_.size()) - 1)]->shut();
        return;
    }
    default: return ask();
    }
}

/// A master that starts may end for want of something.
void random_history::start_again() {
    faults_.per_thousand = 0;
    world_.kill_and_start_again();
    clients_.clear();
}

void random_history::strike() {
    auto workers = world_.workers();
    if (workers.empty()) return;
    auto& victim = workers[number(0, static_cast<unsigned>(workers.size()) - 1)];
    world_.system.kill(victim, of_workers[number(0, of_workers.size() - 1)]);
}

void random_history::ask() {
    if (clients_.empty() || chance(50)) clients_.push_back(&world_.connect());
    client& asker = *clients_[number(0, static_cast<unsigned>(clients_.size()) - 1)];
    if (chance(15))
        asker.request("set_workers", "[\"" + std::to_string(number(0, 7)) + "\"]");
    else
        asker.request(one_of(commands));
    if (chance(10)) asker.shut();
}

/// Half a line, nonsense, or silence.
void random_history::be_strange() {
    client& stranger = world_.connect();
    stranger.is_deaf = chance(50);
    if (chance(80)) stranger.send(one_of(half_lines));
    if (chance(50)) stranger.shut();
}

bool random_history::has_answers() const {
    for (const client* each : clients_)
        if (each->is_connected() && !each->is_closed() && !each->unanswered().empty()) return false;
    return true;
}

/// Ends with everything at rest twice, before and after what is random, so that what is opened when
/// it is needed first is open both times.
story random_history::live() {
    co_await world_.until("the beginning", [&] { return world_.logged("control socket") > 0; });
    std::map<std::string, int> at_rest;
    for (bool is_last : {false, true}) {
        is_calm_ = false;
        if (is_last && with_faults_) faults_.per_thousand = number(1, 300);
        for (unsigned left = is_last ? number(1, 30) : 0; left > 0; --left) {
            act();
            co_await world_.pause(some_time());
        }
        is_calm_ = true;
        faults_.per_thousand = 0;
        if (has_file_) world_.system.files().at(groups_file)->text = first_file_;
        co_await world_.until(
            "answers", [&] { return has_answers(); }, 600s);
        co_await world_.until("a control socket", [&] { return world_.is_listening(); });
        co_await world_.pause(1s); // those that had to wait are heard, even if they have gone
        client& last = world_.connect();
        for (const char* command :
             {"reload-config", "start", "set_workers", "status", "state", "reload", "upgrade"}) {
            if (!has_file_ && command == std::string_view("reload-config")) continue;
            int id = last.request(command,
                                  command == std::string_view("set_workers") ? "[\"2\"]" : "[]");
            co_await world_.until(
                command, [&] { return !last.answer_to(id).empty(); }, 600s);
            world_.expect(last.answer_to(id).find("\"ok\":true") != std::string::npos,
                          command + (" succeeds: " + last.answer_to(id)));
        }
        world_.shut_clients();
        clients_.clear();
        co_await world_.pause(200s);
        co_await world_.until("rest", [&] { return world_.system.is_waiting; });
        auto now = world_.descriptors();
        // A notify socket that was needed once is kept: old workers may know its address.
        // Log files need an epoll and an eventfd from then on.
        std::erase_if(now, [](const auto& one) {
            return one.first.starts_with("socket1") || one.first == "epoll" ||
                   one.first == "eventfd";
        });
        if (is_last) world_.expect_same(at_rest, now);
        at_rest = now;
    }
    world_.system.kill(world_.master, of_ends[number(0, of_ends.size() - 1)]);
}

std::string random_history::run() {
    world_.run(words(), live());
    if (world_.violations().empty()) return {};
    std::string told;
    for (const std::string& each : world_.violations())
        told += each + "\n";
    return told + world_.log();
}

} // namespace einhyrningsins::world
