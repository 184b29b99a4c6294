// SPDX-License-Identifier: GPL-3.0-or-later
#include "world/world.hpp"

#include "world/image.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <sys/wait.h>

namespace einhyrningsins::world {
namespace {

constexpr const char* program = "/usr/bin/einhyrningsins";
constexpr const char* control_socket = "/tmp/einhorn.sock";
constexpr const char* worker_program = "/srv/server";

process_ptr pointer_to(const kernel& in, const process& who) { return in.find(who.pid); }

} // namespace

world::world() {
    tree& files = system.files();
    files.make("/tmp", S_IFDIR | S_ISVTX | 0777);
    files.make("/srv", S_IFDIR | 0755, user);
    files.make("/dev/null", S_IFCHR | 0666);
    install_programs();
    system.on_step = [this] { step(); };
    system.on_standstill = [this] { leave("nothing is going to happen any more"); };
    system.on_death = [] { image::leave(); };
    system.fault = [this](const char* call) { return hear_call(call); };
    system.complain = [this](const std::string& what) { complain(what); };
    standard_error_->open(false);
    master = make_master();
}

process_ptr world::make_master() {
    auto made = system.create(nullptr);
    made->user = made->user_group = user;
    made->directory = system.files().at("/srv");
    made->path = program;
    made->environment = {"PATH=/usr/bin:/bin", "PWD=/srv", "HOME=/srv"};
    auto null = std::make_shared<null_file>();
    auto log = std::make_shared<pipe_end>(standard_error_, true);
    *made->descriptors = {{0, {null}}, {1, {null}}, {2, {log}}};
    return made;
}

world::~world() = default;

void world::install_programs() {
    tree& files = system.files();
    files.make(worker_program, S_IFREG | 0755, 0, "\177ELF")->program = [this](process& who) {
        if (!who.blocked.empty() || !who.ignored.empty())
            complain("a worker begins with signals blocked or ignored");
        begin_worker(system, pointer_to(system, who), plan(who));
    };
    install_program("/srv/upgrader", [this](const process_ptr& who) { system.exit(who, 0); });
    install_program("/srv/stop", [this](const process_ptr& who) {
        for (const process_ptr& each : workers())
            if (each->arguments.back() == who->arguments.back()) system.kill(each, SIGTERM);
        system.exit(who, 0);
    });
    // As a trial run of a reload; the master itself is not run by this.
    files.make(program, S_IFREG | 0755, 0, "\177ELF")->program = [this](process& who) {
        auto trial = pointer_to(system, who);
        system.after(std::chrono::milliseconds(5), trial,
                     [this, trial] { system.exit(trial, image::run_beside(system, trial)); });
    };
}

/// One that does all that it does after a while.
void world::install_program(const std::string& path, std::function<void(const process_ptr&)> run) {
    system.files().make(path, S_IFREG | 0755, 0, "\177ELF")->program =
        [this, run = std::move(run)](process& who) {
            auto self = pointer_to(system, who);
            system.after(std::chrono::milliseconds(30), self, [run, self] { run(self); });
        };
}

void world::run(std::vector<std::string> words, story told) {
    auto before = files();
    words.insert(words.begin(), program);
    master->arguments = words;
    master->user = master->user_group = user;
    told_.emplace(std::move(told));
    system.after(instant(0), [this] { told_->go_on(); });
    image::run(system, master);
    while (std::exchange(starts_again_, false)) {
        for (const process_ptr& left : workers())
            system.kill(left, SIGKILL);
        master = make_master();
        master->arguments = words;
        image::run(system, master);
    }
    drain_log();
    for (const std::string& path : files())
        if (!is_killed && !is_expected(path) && !std::ranges::count(before, path))
            complain(path + " is left over");
    check_end();
}

void world::check_end() {
    if (!told_->is_over())
        complain("the master has ended, but the story waits for " + awaited_.what);
    if (!is_killed)
        for (const process_ptr& left : workers())
            complain("process " + std::to_string(left->pid) + " is left over");
    for (client& each : clients_) {
        each.listen();
        for (int id : each.answered_twice())
            complain("two answers to request " + std::to_string(id));
        if (each.is_connected() && !each.is_closed() && !each.is_deaf && !is_killed)
            for (int id : each.unanswered())
                complain("no answer to request " + std::to_string(id));
    }
}

void world::step() {
    if (std::exchange(stepping_, true)) return;
    drain_log();
    for (client& each : clients_)
        each.listen();
    while (!told_->is_over() && awaited_.holds && awaited_.holds()) {
        awaited_.holds = nullptr;
        told_->go_on();
    }
    stepping_ = false;
    if (awaited_.holds && system.now() >= awaited_.deadline) leave("not in time: " + awaited_.what);
}

/// Something that is never settled would go on for ever.
int world::hear_call(const char* call) {
    constexpr std::uint64_t most_calls = 1'000'000;
    if (++calls_ > most_calls) leave("the master has made a million system calls");
    int error = fault ? fault(call) : 0;
    if (traces_) ::dprintf(2, "%.6f %s%s\n", seconds(), call, error ? " fails" : "");
    return error;
}

double world::seconds() const {
    return std::chrono::duration<double>(system.now() - std::chrono::seconds(1000)).count();
}

void world::leave(const std::string& why) {
    complain(why);
    is_killed = true;
    image::leave();
}

void world::kill_and_start_again() {
    starts_again_ = true;
    system.kill(master, SIGKILL);
    for (client& each : clients_)
        each.shut();
}

client& world::connect(std::string_view path) {
    auto who = system.create(nullptr);
    who->user = who->user_group = user;
    client& made = clients_.emplace_back(system, who);
    made.connect(path);
    return made;
}

void world::shut_clients() {
    for (client& each : clients_)
        each.shut();
}

bool world::is_listening() const { return system.listener_at(control_socket) != nullptr; }

std::vector<process_ptr> world::workers() const {
    std::vector<process_ptr> all;
    for (const auto& [pid, one] : system.processes())
        if (one->path == worker_program && !one->is_zombie) all.push_back(one);
    return all;
}

void world::drain_log() {
    char piece[4096];
    std::size_t before = log_.size();
    ssize_t size;
    while ((size = standard_error_->take(piece)) > 0)
        log_.append(piece, static_cast<std::size_t>(size));
    if (traces_) ::dprintf(2, "%s", log_.c_str() + before);
}

std::size_t world::logged(std::string_view text) const {
    std::size_t count = 0;
    for (std::size_t at = log_.find(text); at != log_.npos; at = log_.find(text, at + 1))
        ++count;
    return count;
}

void world::expect(bool condition, const std::string& what) {
    if (!condition) complain("expected: " + what);
}

void world::complain(const std::string& what) {
    violations_.push_back(std::to_string(seconds()) + " s: " + what);
}

std::map<std::string, int> world::descriptors() const {
    std::map<std::string, int> kinds;
    for (const auto& [fd, open] : *master->descriptors)
        ++kinds[open.file->kind() + open.file->detail()];
    return kinds;
}

void world::expect_same(const std::map<std::string, int>& before,
                        const std::map<std::string, int>& after) {
    auto text = [](const auto& kinds) {
        std::string all;
        for (const auto& [kind, count] : kinds)
            all += " " + kind + "=" + std::to_string(count);
        return all;
    };
    if (before != after) complain("descriptors were" + text(before) + " and are" + text(after));
}

std::optional<int> world::exit_code() const {
    if (!master->is_zombie || !WIFEXITED(master->status)) return std::nullopt;
    return WEXITSTATUS(master->status);
}

void world::list(const inode& directory, const std::string& path, std::vector<std::string>& into) {
    for (const auto& [name, node] : directory.entries) {
        std::string inner = path + "/" + name;
        into.push_back(inner);
        if (node->is_directory()) list(*node, inner, into);
    }
}

std::vector<std::string> world::files() {
    std::vector<std::string> all;
    list(*system.files().root(), "", all);
    return all;
}

} // namespace einhyrningsins::world
