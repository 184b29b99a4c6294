// SPDX-License-Identifier: GPL-3.0-or-later
//
// How the master hands itself over to another program.
#include "master/master.hpp"

#include "handoff/text.hpp"
#include "loop/turns.hpp"
#include "master/logging.hpp"
#include "os/own_process.hpp"

#include <algorithm>
#include <iterator>
#include <map>

namespace einhyrningsins::master {

void master::add_clients(const handoff::state& from) {
    std::map<int, std::shared_ptr<control_connection>> clients;
    for (const handoff::connection& one : from.connections)
        if (auto client = hub_->serve(os::unique_fd(one.fd), one))
            clients[one.fd] = std::move(client);
    commands_.add_watches(from, clients);
    // Deaths come first: an upgrade starts no worker of the old generation in place of one that has
    // died before.
    reap();
    for (const handoff::request& one : from.requests) {
        auto client = clients.find(one.fd);
        fulfil(one, client == clients.end() ? nullptr : client->second);
    }
}

/// What was asked for before the reload.
void master::fulfil(const handoff::request& what, std::shared_ptr<control_connection> client) {
    if (what.reload_config) return commands_.reload_config_again(what, std::move(client));
    if (what.upgrade) return commands_.upgrade_after_reload(what, std::move(client));
    if (client) commands_.tell_reloaded(what, *client);
}

bool master::reloads_before_upgrades() const {
    return config::traits_of(settings_.master.personality).reloads_before_upgrades ||
           !settings_.master.reexec_as.empty() || own_program().has_changed();
}

os::own_program master::find_own_program() const {
    return os::find_own_program(call_.name, search_path(around_.environment),
                                around_.working_directory);
}

/// What could not be found at the beginning is looked for again when it is needed.
os::own_program master::own_program() const {
    return program_.is_known ? program_ : find_own_program();
}

void master::reload_for(handoff::request asked, std::shared_ptr<control_connection> client) {
    if (client) asked.fd = client->descriptor();
    reload_.request(reload_command(), std::move(asked), std::move(client));
}

reload::command master::reload_command() const {
    const auto& words = settings_.master.reexec_as;
    return {.program = words.empty() ? std::vector{own_program().path} : words,
            .arguments = call_.arguments,
            .environment = around_.environment,
            .directory = around_.working_directory};
}

/// The master's own log comes first: from then on its lines are only kept.
void master::settle_logs(std::function<void(os::result<void>)> settled) {
    constexpr core::duration longest = std::chrono::seconds(3);
    auto finish = [this, settled = std::move(settled)](const os::result<void>& done) {
        settled(done);
        logs_.resume();
        resume_log();
    };
    settle_log(longest, [this, finish](const os::result<void>& done) {
        done ? logs_.settle(longest, finish) : finish(done);
    });
}

os::result<os::unique_fd> master::snapshot() {
    if (auto trouble = settle_groups(&group_runner::settle)) return *trouble;
    return to_file(state());
}

/// Workers would lose their master by a state that the next program cannot be in.
os::result<os::unique_fd> master::to_file(const handoff::state& all) {
    if (auto wrong = handoff::find_contradiction(all); !wrong.empty())
        return os::os_error{"the state to hand over contradicts itself: state" + wrong};
    return os::make_memory_file(handoff::to_text(all));
}

/// What a group has decided and not done cannot be handed over.
std::optional<os::os_error> master::settle_groups(bool (group_runner::*settle)()) {
    for (const auto& runner : groups_)
        if (!(runner.get()->*settle)())
            return os::os_error{"a step of group " + runner->settings().name +
                                    " failed, which is tried again first",
                                EAGAIN};
    return std::nullopt;
}

os::os_error master::hand_over(const reload::command& what, const std::string& program) {
    if (auto trouble = settle_groups(&group_runner::settle_for_good)) return *trouble;
    handoff::state all = state();
    auto file = to_file(all);
    if (!file) return file.error();
    std::vector<int> kept = handoff::descriptors(all);
    kept.push_back(file->get());
    std::vector<std::string> words = what.program;
    if (settings_.master.reexec_as.empty()) words[0] = call_.name;
    words.insert(words.end(), {"--with-state-fd", std::to_string(file->get())});
    words.insert(words.end(), what.arguments.begin(), what.arguments.end());
    return os::replace_program(program, words, what.environment, what.directory, kept);
}

handoff::state master::state() {
    commands_.finish();
    handoff::state all{.master = settings_.master,
                       .working_directory = around_.working_directory,
                       .started_at = started_at_,
                       .last_ran = loop::turns::of(context_).last_ran(),
                       .reloads = reloads_,
                       .log_level = log_level()};
    if (auto* limit = os::original_descriptor_limit()) all.descriptor_limit = limit->rlim_cur;
    if (lock_) all.lock = handoff::held_file{lock_->fd(), lock_->path()};
    if (pidfile_) all.pidfile = handoff::held_file{pidfile_->fd(), pidfile_->path()};
    for (const auto& runner : groups_)
        all.groups.push_back(runner->hand_over());
    all.logs = logs_.state();
    all.unused_files = files_.unused();
    if (control_) all.control = control_->hand_over();
    all.operators = operators_;
    hub_->hand_over(all);
    commands_.hand_over(all);
    std::ranges::move(reload_.requests(), std::back_inserter(all.requests)); // of clients left
    all.unwritten_log = unwritten_log(); // with what was logged meanwhile
    all.dropped_log_lines = dropped_log_lines();
    return all;
}

} // namespace einhyrningsins::master
