// SPDX-License-Identifier: GPL-3.0-or-later
//
// How the master hands itself over to another program, and how it begins as that other program.
#include "master/commands/upgrade_watch.hpp"
#include "master/logging.hpp"
#include "master/master.hpp"
#include "master/start_failure.hpp"

#include "handoff/text.hpp"
#include "os/credentials.hpp"
#include "os/process.hpp"
#include "os/socket_address.hpp"
#include "protocol/version.hpp"

#include <algorithm>
#include <map>

namespace einhyrningsins::master {
namespace {

using core::severity;

config::settings settings_from(const handoff::state& from) {
    config::settings wishes{.master = from.master};
    for (const handoff::group& one : from.groups)
        wishes.groups.push_back(one.settings);
    return wishes;
}

/// An older program did not tell what its listeners were opened for.
void complete_listeners(handoff::group& of) {
    if (of.listeners.size() != of.settings.listeners.size()) return;
    for (std::size_t place = 0; place < of.listeners.size(); ++place)
        if (of.listeners[place].spec.empty())
            of.listeners[place].spec = wish_of(of.settings.listeners[place], of.settings.family);
}

/// einhorn's state has just the descriptors.
void complete_from_system(handoff::state& from) {
    for (handoff::group& group : from.groups)
        for (handoff::listener& one : group.listeners)
            if (auto known = os::local_address(one.fd); one.family.empty() && known)
                one = {one.fd, known->text, known->family, known->server_starter_key, one.name,
                       {},     {}};
    for (handoff::connection& one : from.connections)
        if (auto who = os::peer_of(one.fd); one.pid == 0 && who)
            one = {one.fd,
                   who->pid,
                   who->uid,
                   who->gid,
                   {who->groups.begin(), who->groups.end()},
                   one.received,
                   one.unsent,
                   one.ended,
                   one.closing,
                   one.group};
    if (from.control && from.control->file.inode == 0)
        if (auto file = os::find_socket_file(from.control->file.path))
            from.control->file = {file->path, file->device, file->inode};
}

} // namespace

master::master(boost::asio::io_context& context, handoff::state from, call how)
    : context_(context),
      settings_(settings_from(from)),
      call_(std::move(how)),
      started_at_(from.started_at),
      paths_(context),
      logs_(context),
      commands_(*this),
      reload_(
          context, [this] { return snapshot(); },
          [this](auto after) { return hand_over(std::move(after)); }),
      reloads_(from.reloads + 1),
      taken_over_(true),
      signals_(context) {
    complete_from_system(from);
    for (handoff::group& one : from.groups)
        complete_listeners(one);
    write_log(from.unwritten_log);
    set_log_level(from.log_level);
    describe_surroundings(from.working_directory);
    if (from.descriptor_limit) os::set_original_descriptor_limit(*from.descriptor_limit);
    enter();
    open_signals();
    take_over_files(from);
    logs_.take_over(from.logs);
    open_hub();
    take_over_groups(from);
    keep_wanted_logs();
    open_control(from.control);
    take_over_clients(from);
}

/// It is too late to give up for the want of a file. einhorn does not keep its lock.
void master::take_over_files(const handoff::state& from) {
    auto try_to = [](auto make) {
        try {
            make();
        } catch (const start_failure& why) {
            log(severity::error, "", std::string(why.what()) + "; going on without");
        }
    };
    if (from.lock && from.lock->fd >= 0)
        lock_ = os::lock_file::adopt(from.lock->path, os::unique_fd(from.lock->fd));
    else
        try_to([this] { lock(); });
    if (from.pidfile && from.pidfile->fd >= 0)
        pidfile_ = os::pid_file::adopt(from.pidfile->path, os::unique_fd(from.pidfile->fd));
    else
        try_to([this] { write_pidfile(); });
}

void master::take_over_groups(const handoff::state& from) {
    settings_.groups = {};
    for (const handoff::group& one : from.groups)
        add_group(std::make_unique<group_runner>(context_, one, around_));
}

void master::take_over_clients(const handoff::state& from) {
    std::map<int, std::shared_ptr<control_connection>> clients;
    for (const handoff::connection& one : from.connections)
        clients[one.fd] = hub_->take_over(one);
    commands_.take_over(from, clients);
    for (const handoff::wish& one : from.wishes)
        fulfil(one, one.fd >= 0 ? clients.at(one.fd) : nullptr);
}

/// What was asked for before the reload.
void master::fulfil(const handoff::wish& what, std::shared_ptr<control_connection> client) {
    if (what.upgrade) return commands_.upgrade_after_reload(what, std::move(client));
    if (client) commands_.tell_reloaded(what, *client);
}

bool master::reloads_before_upgrades() const {
    return config::traits_of(settings_.master.personality).reloads_before_upgrades ||
           !settings_.master.reexec_as.empty() || program_.has_changed();
}

void master::reload_for(handoff::wish wish, std::shared_ptr<control_connection> client) {
    if (client) wish.fd = client->descriptor();
    reload_.request(reload_command(), std::move(wish), std::move(client));
}

reload::command master::reload_command() const {
    const auto& words = settings_.master.reexec_as;
    return {.program = words.empty() ? std::vector{program_.path} : words,
            .arguments = call_.arguments,
            .environment = around_.environment,
            .directory = around_.working_directory};
}

os::result<os::unique_fd> master::snapshot() {
    return os::make_memory_file(handoff::to_text(state()));
}

os::os_error master::hand_over(std::vector<handoff::wish> wishes) {
    handoff::state all = state();
    all.wishes = std::move(wishes);
    auto file = os::make_memory_file(handoff::to_text(all));
    if (!file) return file.error();
    std::vector<int> kept = handoff::descriptors(all);
    kept.push_back(file->get());
    reload::command what = reload_command();
    auto program = os::find_program(what.program[0], search_path(what.environment), what.directory);
    if (!program) return program.error();
    std::vector<std::string> words = what.program;
    if (settings_.master.reexec_as.empty()) words[0] = call_.name;
    words.insert(words.end(), {"--with-state-fd", std::to_string(file->get())});
    words.insert(words.end(), what.arguments.begin(), what.arguments.end());
    return os::replace_program(*program, words, what.environment, what.directory, kept);
}

handoff::state master::state() {
    handoff::state all{.master = settings_.master,
                       .working_directory = around_.working_directory,
                       .started_at = started_at_,
                       .reloads = reloads_,
                       .log_level = log_level(),
                       .unwritten_log = unwritten_log()};
    if (auto* limit = os::original_descriptor_limit()) all.descriptor_limit = limit->rlim_cur;
    if (lock_) all.lock = handoff::held_file{lock_->fd(), lock_->path()};
    if (pidfile_) all.pidfile = handoff::held_file{pidfile_->fd(), pidfile_->path()};
    for (const auto& runner : groups_) {
        runner->settle();
        all.groups.push_back(runner->hand_over());
    }
    all.logs = logs_.state();
    all.control = control_->hand_over();
    hub_->hand_over(all);
    commands_.hand_over(all);
    return all;
}

} // namespace einhyrningsins::master
