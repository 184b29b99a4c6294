// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/stop_command.hpp"

#include "master/group/worker_recipe.hpp"

#include <csignal>
#include <utility>
#include <variant>

namespace einhyrningsins::master {
namespace {

using core::severity;

const std::string name = "exec_stop";

} // namespace

stop_command::stop_command(const group_context& of, const group_services& services,
                           const handoff::group& from)
    : of_(of),
      services_(services) {
    if (from.stop_command)
        process_ = std::make_shared<helper_process>(of.loop, *from.stop_command, name, owner());
}

void stop_command::run() {
    auto made = recipe();
    if (!made) return fail(made.error());
    auto begun = helper_process::start(of_.loop, std::move(*made),
                                       of_.settings.policy.signal_timeout, name, owner());
    if (!begun) return fail(begun.error());
    process_ = std::move(*begun);
    of_.log(severity::info, "stopping by " + of_.settings.stop_command[0] + ", process " +
                                std::to_string(process_->pid()));
}

os::result<os::spawn_recipe> stop_command::recipe() const {
    auto made = make_helper_recipe(of_, services_, of_.settings.stop_command);
    if (!made) return made;
    std::string pids;
    for (core::process_id pid : of_.group.processes())
        pids += (pids.empty() ? "" : " ") + std::to_string(pid);
    made->environment.push_back("EINHYRNINGSINS_PIDS=" + pids);
    made->environment.push_back("MAINPID=" + pids.substr(0, pids.find(' ')));
    return made;
}

void stop_command::fail(const os::os_error& error) {
    of_.log(severity::error, name + " cannot be run: " + error.message());
    of_.notice(core::event::stop_command_failed{});
}

helper_process::owner stop_command::owner() {
    return {[this](const std::string& failure) {
                process_.reset();
                if (failure.empty()) return of_.wake();
                of_.log(severity::error, failure);
                of_.notice(core::event::stop_command_failed{});
            },
            [this](severity level, const std::string& text) { of_.log(level, text); }};
}

void stop_command::drop() {
    if (process_) process_->drop();
    process_.reset();
}

/// The workers that it was to stop are not left waiting for it.
void stop_command::tend() {
    if (!process_ || of_.group.phase() != core::group_phase::running) return;
    of_.log(severity::warning, name + " is still running; it is killed");
    drop();
    of_.notice(core::event::stop_command_failed{});
}

void stop_command::hear(const core::event_type& event) {
    auto* stop = std::get_if<core::event::stop>(&event);
    if (stop && stop->signal == SIGKILL) drop();
}

bool stop_command::hear_death(const os::reaped& child) {
    auto keep = process_; // it may be forgotten meanwhile
    return keep && keep->hear(child);
}

void stop_command::hand_over(handoff::group& into) const {
    if (process_) into.stop_command = process_->hand_over();
}

} // namespace einhyrningsins::master
