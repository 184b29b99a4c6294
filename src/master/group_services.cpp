// SPDX-License-Identifier: GPL-3.0-or-later
//
// What the settings of a group ask for beside its workers: who watches what for it, and which other
// programs run for it.
#include "master/configuration.hpp"
#include "master/group_runner.hpp"
#include "master/logging.hpp"
#include "os/process.hpp"

#include <algorithm>
#include <csignal>
#include <string_view>
#include <variant>

namespace einhyrningsins::master {
namespace {

using core::severity;

constexpr const char* stop_command_name = "exec_stop";

/// What only a worker can use.
bool is_of_workers(std::string_view entry, const std::string& prefix) {
    auto begins = [&](const std::string& base, std::string_view rest) {
        return !base.empty() && entry.starts_with(base + std::string(rest));
    };
    for (const std::string& base : {std::string("EINHORN"), prefix})
        for (std::string_view rest :
             {"_FD_", "_FDS=", "_SOCK_FD=", "_CHILD_INDEX=", "_WATCH_FILE="})
            if (begins(base, rest)) return true;
    return entry.starts_with("LISTEN_") || entry.starts_with("NOTIFY_SOCKET=") ||
           entry.starts_with("SERVER_STARTER_PORT=");
}

} // namespace

void group_runner::open_services() {
    open_notify_socket();
    open_upgrader();
    open_live_check();
    open_auto_upgrade();
}

void group_runner::take_over_services(const handoff::group& from) {
    if (from.notify && from.notify->fd >= 0)
        notify_ = notify_watch::take_over(
            context_, *from.notify,
            [this](const std::vector<pid_t>& senders) { take_notifications(senders); });
    if (from.upgrader)
        upgrader_ = upgrader::take_over(context_, settings_, *from.upgrader, upgrader_owner());
    if (from.stop_command)
        stop_command_ = helper_process::take_over(context_, *from.stop_command, stop_command_name,
                                                  stop_command_owner());
    if (from.program)
        auto_upgrade_ = std::make_unique<auto_upgrade>(context_, *around_.paths, *from.program,
                                                       auto_upgrade_owner());
    if (from.watch_files.empty()) return;
    auto checks = live_check::take_over(*around_.paths, from.watch_files,
                                        [this](unsigned index) { hear_touch(index); });
    if (checks)
        live_check_ = std::move(*checks);
    else
        log(severity::error, settings_.name, checks.error().message());
}

void group_runner::hand_over_services(handoff::group& into) const {
    if (notify_) into.notify = notify_->hand_over();
    if (upgrader_) into.upgrader = upgrader_->hand_over();
    if (stop_command_) into.stop_command = stop_command_->hand_over();
    if (auto_upgrade_) into.program = auto_upgrade_->hand_over();
    if (live_check_) into.watch_files = live_check_->directory();
}

// Programs that run for the group

/// In the surroundings of a worker, but without what belongs to a worker alone.
os::result<os::spawn_recipe>
group_runner::make_helper_recipe(const std::vector<std::string>& words) const {
    config::group_settings wishes = settings_;
    wishes.command = words;
    auto recipe = make_recipe(group_.current().generation, wishes);
    if (!recipe) return recipe.error();
    recipe->descriptors.clear();
    std::erase_if(recipe->environment, [&](const std::string& entry) {
        return is_of_workers(entry, settings_.variable_prefix);
    });
    return recipe;
}

void group_runner::open_upgrader() {
    if (settings_.upgrader.empty()) {
        if (upgrader_) upgrader_->cancel("the group has no upgrader any more; ask again");
        upgrader_.reset();
    } else if (upgrader_) {
        upgrader_->replan();
    } else {
        upgrader_ = upgrader::make(context_, settings_, upgrader_owner());
    }
}

upgrader::owner group_runner::upgrader_owner() {
    return {[this] { return make_helper_recipe(settings_.upgrader); },
            [this] { return can_upgrade(); },
            [this](core::upgrade_mode mode) { notice(core::event::upgrade{mode}); },
            [this](const core::report& what) { tell(what); },
            [this](severity level, const std::string& text) { log(level, settings_.name, text); }};
}

bool group_runner::can_upgrade() const {
    core::group_phase phase = group_.phase();
    return phase == core::group_phase::running || phase == core::group_phase::given_up;
}

void group_runner::request_upgrade(core::upgrade_mode mode) {
    if (upgrader_ && can_upgrade()) return upgrader_->request(mode);
    notice(core::event::upgrade{mode});
}

void group_runner::perform(const core::action::run_stop_command&) {
    auto fail = [&](const os::os_error& error) {
        log(severity::error, settings_.name,
            std::string(stop_command_name) + " cannot be run: " + error.message());
        notice(core::event::stop_command_failed{});
    };
    auto recipe = make_helper_recipe(settings_.stop_command);
    if (!recipe) return fail(recipe.error());
    std::string pids;
    for (const core::worker& who : group_.workers())
        if (who.pid != 0) pids += (pids.empty() ? "" : " ") + std::to_string(who.pid);
    recipe->environment.push_back("EINHYRNINGSINS_PIDS=" + pids);
    recipe->environment.push_back("MAINPID=" + pids.substr(0, pids.find(' ')));
    auto begun =
        helper_process::start(context_, std::move(*recipe), settings_.policy.signal_timeout,
                              stop_command_name, stop_command_owner());
    if (!begun) return fail(begun.error());
    stop_command_ = std::move(*begun);
    log(severity::info, settings_.name,
        "stopping by " + settings_.stop_command[0] + ", process " +
            std::to_string(stop_command_->pid()));
}

helper_process::owner group_runner::stop_command_owner() {
    return {[this](const std::string& failure) {
                stop_command_.reset();
                if (failure.empty()) return schedule();
                log(severity::error, settings_.name, failure);
                notice(core::event::stop_command_failed{});
            },
            [this](severity level, const std::string& text) { log(level, settings_.name, text); }};
}

/// The group was started again: those that the command was to stop are not left waiting for it.
void group_runner::tend_stop_command() {
    if (!stop_command_ || group_.phase() != core::group_phase::running) return;
    log(severity::warning, settings_.name,
        std::string(stop_command_name) + " is still running; it is killed");
    stop_command_->drop();
    stop_command_.reset();
    notice(core::event::stop_command_failed{});
}

/// A stop is also the end of what runs for the group.
void group_runner::end_services(const core::event_type& cause) {
    auto* stop = std::get_if<core::event::stop>(&cause);
    bool ends = stop || std::holds_alternative<core::event::restart>(cause);
    if (ends && upgrader_) upgrader_->cancel("the group was told to stop");
    if (!stop || stop->signal != SIGKILL || !stop_command_) return;
    stop_command_->drop();
    stop_command_.reset();
}

// What is watched for the group

void group_runner::open_live_check() {
    if (live_check_ || settings_.policy.live_check <= core::duration::zero()) return;
    auto begun = live_check::begin(
        *around_.paths, os::absolute_path(temporary_directory(), around_.working_directory),
        [this](unsigned index) { hear_touch(index); });
    if (!begun) return log(severity::error, settings_.name, begun.error().message());
    live_check_ = std::move(*begun);
}

void group_runner::hear_touch(unsigned index) {
    auto who = std::ranges::find(group_.workers(), index, &core::worker::index);
    if (who != group_.workers().end() && who->pid != 0) notice(core::event::touched{who->pid});
}

void group_runner::open_auto_upgrade() {
    if (!settings_.auto_upgrade) return auto_upgrade_.reset();
    if (auto_upgrade_) return;
    auto_upgrade_ = std::make_unique<auto_upgrade>(context_, *around_.paths, auto_upgrade_owner());
    if (can_upgrade()) follow_program();
}

auto_upgrade::owner group_runner::auto_upgrade_owner() {
    return {[this] {
                if (can_upgrade()) request_upgrade(core::upgrade_mode::rolling);
            },
            [this](severity level, const std::string& text) { log(level, settings_.name, text); }};
}

/// What the generation that begins is made from. Where there is no program, it is waited for where
/// it should be.
void group_runner::follow_program() {
    if (!auto_upgrade_) return;
    auto found = find_program(settings_, around_);
    const std::string& path = found ? *found : settings_.command[0];
    if (path.find('/') == std::string::npos) return;
    auto_upgrade_->follow(os::absolute_path(path, directory_of(settings_, around_)));
}

/// Only while the group waits for its first client are its listeners watched.
void group_runner::tend_demand() {
    if (!group_.awaits_demand()) return demand_.reset();
    if (demand_) return;
    auto begun = demand_watch::begin(context_, listeners_.descriptors(), [this] {
        demand_.reset();
        notice(core::event::demanded{});
    });
    if (begun) {
        demand_ = std::move(*begun);
        return;
    }
    log(severity::error, settings_.name, begun.error().message() + "; starting now");
    notice(core::event::demanded{});
}

} // namespace einhyrningsins::master
