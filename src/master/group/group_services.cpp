// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/group_services.hpp"

#include "master/group/worker_recipe.hpp"
#include "os/files.hpp"
#include "os/process.hpp"

#include <algorithm>
#include <csignal>
#include <variant>

namespace einhyrningsins::master {
namespace {

using core::severity;

constexpr const char* stop_command_name = "exec_stop";

} // namespace

void group_services::open() {
    open_notify_socket();
    open_upgrader();
    open_live_check();
    open_auto_upgrade();
    demand_.reset(); // the listeners may be other ones
}

void group_services::take_over(const handoff::group& from) {
    if (from.notify && from.notify->fd >= 0)
        notify_ = notify_watch::take_over(
            of_.loop, *from.notify,
            [this](const std::vector<pid_t>& senders) { take_notifications(senders); });
    if (from.upgrader)
        upgrader_ = upgrader::take_over(of_.loop, of_.settings, *from.upgrader, upgrader_owner());
    if (from.stop_command)
        stop_command_ = helper_process::take_over(of_.loop, *from.stop_command, stop_command_name,
                                                  stop_command_owner());
    if (from.program)
        auto_upgrade_ = std::make_unique<auto_upgrade>(of_.loop, *of_.around.paths, *from.program,
                                                       auto_upgrade_owner());
    if (from.watch_files.empty()) return;
    auto checks = live_check::take_over(*of_.around.paths, from.watch_files,
                                        [this](unsigned index) { hear_touch(index); });
    if (checks)
        live_check_ = std::move(*checks);
    else
        of_.log(severity::error, checks.error().message());
}

void group_services::hand_over(handoff::group& into) const {
    if (notify_) into.notify = notify_->hand_over();
    if (upgrader_) into.upgrader = upgrader_->hand_over();
    if (stop_command_) into.stop_command = stop_command_->hand_over();
    if (auto_upgrade_) into.program = auto_upgrade_->hand_over();
    if (live_check_) into.watch_files = live_check_->directory();
}

void group_services::tend() {
    tend_demand();
    tend_stop_command();
}

bool group_services::hear(const os::reaped& dead) {
    auto command = stop_command_; // which may be forgotten meanwhile
    return (upgrader_ && upgrader_->hear(dead)) || (command && command->hear(dead));
}

os::result<void> group_services::prepare_worker(unsigned index,
                                                const std::optional<os::identity>& who) {
    if (!live_check_) return {};
    return live_check_->prepare(index, who);
}

std::string group_services::notify_address() const {
    bool by_message = std::holds_alternative<core::ack_notify>(of_.settings.policy.ack);
    return by_message && notify_ ? notify_->address() : std::string();
}

std::string group_services::indexed_entry() const {
    bool checks = live_check_ && of_.settings.policy.live_check > core::duration::zero();
    return checks ? live_check_->entry(of_.settings.variable_prefix) : std::string();
}

/// Opened when it is needed first, and kept: workers of other generations may know its address.
void group_services::open_notify_socket() {
    if (notify_ || !std::holds_alternative<core::ack_notify>(of_.settings.policy.ack)) return;
    auto opened = notify_watch::open(
        of_.loop, [this](const std::vector<pid_t>& senders) { take_notifications(senders); });
    if (!opened) return of_.log(severity::error, opened.error().message());
    notify_ = std::move(*opened);
}

void group_services::take_notifications(const std::vector<pid_t>& senders) {
    for (core::process_id sender : senders) {
        if (auto who = of_.worker_above(sender))
            of_.notice(core::event::acked{*who});
        else
            of_.log(severity::warning, "ignored READY=1 of process " + std::to_string(sender) +
                                           ", which is no worker");
    }
}

// Programs that run for the group

void group_services::open_upgrader() {
    if (of_.settings.upgrader.empty()) {
        if (upgrader_) upgrader_->cancel("the group has no upgrader any more; ask again");
        upgrader_.reset();
    } else if (upgrader_) {
        upgrader_->replan();
    } else {
        upgrader_ = upgrader::make(of_.loop, of_.settings, upgrader_owner());
    }
}

upgrader::owner group_services::upgrader_owner() {
    return {[this] { return make_helper_recipe(of_, *this, of_.settings.upgrader); },
            [this] { return of_.group.can_upgrade(); },
            [this](core::upgrade_mode mode) { of_.notice(core::event::upgrade{mode}); },
            [this](const core::report& what) { of_.tell(what); },
            [this](severity level, const std::string& text) { of_.log(level, text); }};
}

void group_services::request_upgrade(core::upgrade_mode mode) {
    if (upgrader_ && of_.group.can_upgrade()) return upgrader_->request(mode);
    of_.notice(core::event::upgrade{mode});
}

void group_services::run_stop_command() {
    auto fail = [&](const os::os_error& error) {
        of_.log(severity::error,
                std::string(stop_command_name) + " cannot be run: " + error.message());
        of_.notice(core::event::stop_command_failed{});
    };
    auto recipe = make_helper_recipe(of_, *this, of_.settings.stop_command);
    if (!recipe) return fail(recipe.error());
    std::string pids;
    for (core::process_id pid : of_.group.processes())
        pids += (pids.empty() ? "" : " ") + std::to_string(pid);
    recipe->environment.push_back("EINHYRNINGSINS_PIDS=" + pids);
    recipe->environment.push_back("MAINPID=" + pids.substr(0, pids.find(' ')));
    auto begun =
        helper_process::start(of_.loop, std::move(*recipe), of_.settings.policy.signal_timeout,
                              stop_command_name, stop_command_owner());
    if (!begun) return fail(begun.error());
    stop_command_ = std::move(*begun);
    of_.log(severity::info, "stopping by " + of_.settings.stop_command[0] + ", process " +
                                std::to_string(stop_command_->pid()));
}

helper_process::owner group_services::stop_command_owner() {
    return {[this](const std::string& failure) {
                stop_command_.reset();
                if (failure.empty()) return of_.wake();
                of_.log(severity::error, failure);
                of_.notice(core::event::stop_command_failed{});
            },
            [this](severity level, const std::string& text) { of_.log(level, text); }};
}

std::vector<const helper_process*> group_services::helpers() const {
    std::vector<const helper_process*> running;
    if (upgrader_ && upgrader_->process()) running.push_back(upgrader_->process());
    if (stop_command_) running.push_back(stop_command_.get());
    return running;
}

/// The group was started again: those that the command was to stop are not left waiting for it.
void group_services::tend_stop_command() {
    if (!stop_command_ || of_.group.phase() != core::group_phase::running) return;
    of_.log(severity::warning, std::string(stop_command_name) + " is still running; it is killed");
    stop_command_->drop();
    stop_command_.reset();
    of_.notice(core::event::stop_command_failed{});
}

/// A stop is also the end of what runs for the group.
void group_services::end(const core::event_type& cause) {
    auto* stop = std::get_if<core::event::stop>(&cause);
    bool ends = stop || std::holds_alternative<core::event::restart>(cause);
    if (ends && upgrader_) upgrader_->cancel("the group was told to stop");
    if (!stop || stop->signal != SIGKILL || !stop_command_) return;
    stop_command_->drop();
    stop_command_.reset();
}

// What is watched for the group

void group_services::open_live_check() {
    if (live_check_ || of_.settings.policy.live_check <= core::duration::zero()) return;
    auto begun = live_check::begin(
        *of_.around.paths,
        os::absolute_path(os::temporary_directory(), of_.around.working_directory),
        [this](unsigned index) { hear_touch(index); });
    if (!begun) return of_.log(severity::error, begun.error().message());
    live_check_ = std::move(*begun);
}

void group_services::hear_touch(unsigned index) {
    auto who = std::ranges::find(of_.group.workers(), index, &core::worker::index);
    if (who != of_.group.workers().end() && who->pid != 0)
        of_.notice(core::event::touched{who->pid});
}

void group_services::open_auto_upgrade() {
    if (!of_.settings.auto_upgrade) return auto_upgrade_.reset();
    if (auto_upgrade_) return;
    auto_upgrade_ =
        std::make_unique<auto_upgrade>(of_.loop, *of_.around.paths, auto_upgrade_owner());
    if (of_.group.can_upgrade()) follow_program();
}

auto_upgrade::owner group_services::auto_upgrade_owner() {
    return {[this] {
                if (of_.group.can_upgrade()) request_upgrade(core::upgrade_mode::rolling);
            },
            [this](severity level, const std::string& text) { of_.log(level, text); }};
}

/// What the generation that begins is made from. Where there is no program, it is waited for where
/// it should be.
void group_services::follow_program() {
    if (!auto_upgrade_) return;
    auto found = find_program(of_.settings, of_.around);
    const std::string& path = found ? *found : of_.settings.command[0];
    if (path.find('/') == std::string::npos) return;
    auto_upgrade_->follow(os::absolute_path(path, directory_of(of_.settings, of_.around)));
}

/// Only while the group waits for its first client are its listeners watched.
void group_services::tend_demand() {
    if (!of_.group.awaits_demand()) return demand_.reset();
    if (demand_) return;
    auto begun = demand_watch::begin(of_.loop, of_.listeners.descriptors(), [this] {
        demand_.reset();
        of_.notice(core::event::demanded{});
    });
    if (begun) {
        demand_ = std::move(*begun);
        return;
    }
    of_.log(severity::error, begun.error().message() + "; starting now");
    of_.notice(core::event::demanded{});
}

} // namespace einhyrningsins::master
