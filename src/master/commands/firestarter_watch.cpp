// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/firestarter_watch.hpp"

#include "master/commands/audience.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace einhyrningsins::master {
namespace {

namespace firestarter = protocol::firestarter;
using namespace core::report_of;
using protocol::verb;

/// Programs before this one changed the group's stop signal for the length of an upgrade.
void restore_stop_signal(group_runner& group, int signal) {
    config::group_settings changed = group.settings();
    changed.policy.stop_signal = signal;
    group.change(changed);
}

} // namespace

handoff::group_watch first_watch(const firestarter::command& what, const group_runner& group) {
    bool upgrades = what.what == verb::upgrade; // which lets alone what is going already
    core::group_phase phase = group.group().phase();
    return {.command = what.name,
            .group = group.settings().name,
            .before = upgrades ? group.group().active_processes() : group.group().processes(),
            .again = phase == core::group_phase::stopped || phase == core::group_phase::waiting,
            .upgrader = upgrades};
}

std::shared_ptr<firestarter_watch>
firestarter_watch::begin(std::shared_ptr<control_connection> client, handoff::group_watch from,
                         group_runner& group) {
    auto known = firestarter::find_command(from.command);
    if (!known) return nullptr;
    if (from.usual_signal != 0) restore_stop_signal(group, std::exchange(from.usual_signal, 0));
    auto watch =
        std::make_shared<firestarter_watch>(std::move(client), std::move(from), known->what, group);
    group.observe([watch](const core::report& what) { return watch->hear(what); });
    return watch;
}

std::optional<handoff::group_watch> firestarter_watch::hand_over() const {
    if (answered_ || !client_->is_open()) return std::nullopt;
    handoff::group_watch into = state_;
    into.fd = client_->descriptor();
    return into;
}

firestarter_watch::firestarter_watch(std::shared_ptr<control_connection> client,
                                     handoff::group_watch from, verb what, group_runner& group)
    : client_(std::move(client)),
      hold_(client_->hold_open()),
      state_(std::move(from)),
      what_(what),
      group_(group),
      earlier_(group.group().upgrades_asked()) {}

firestarter_watch::~firestarter_watch() {
    if (!answered_) fail("the group no longer exists");
}

bool firestarter_watch::hear(const core::report& what) {
    if (!client_->is_open()) return false;
    if (what_ == verb::upgrade) return hear_upgrade(what);
    if (auto* one = std::get_if<worker_started>(&what)) return on_started(one->worker);
    if (std::holds_alternative<stopped>(what) || std::holds_alternative<ended>(what))
        return on_stopped();
    bool hopeless = std::holds_alternative<start_failed>(what) ||
                    std::holds_alternative<backing_off>(what) ||
                    std::holds_alternative<gave_up>(what);
    return hopeless ? fail(core::to_string(what)) : true;
}

/// While it is being prepared one that ends, or fails, is another one.
bool firestarter_watch::hear_upgrade(const core::report& what) {
    if (state_.upgrader) {
        if (std::holds_alternative<upgrade_cancelled>(what)) return fail(core::to_string(what));
        auto* prepared = std::get_if<upgrade_prepared>(&what);
        if (prepared && prepared->number > earlier_) state_.upgrader = false;
        return true;
    }
    if (std::holds_alternative<upgrade_refused>(what) ||
        std::holds_alternative<upgrade_aborted>(what))
        return fail(core::to_string(what));
    if (!std::holds_alternative<upgrade_done>(what)) return true;
    answer({firestarter::upgraded(fresh(), state_.before)});
    return false;
}

bool firestarter_watch::on_started(const core::worker& worker) {
    if (what_ == verb::inc) answer({firestarter::increased(worker.pid)});
    if (what_ == verb::start && is_complete()) answer({firestarter::started(fresh())});
    if (what_ == verb::restart && state_.again && is_complete())
        answer({firestarter::restarted(fresh(), state_.before)});
    return !answered_;
}

bool firestarter_watch::on_stopped() {
    if (what_ != verb::restart || state_.again) return fail("the group was stopped");
    state_.again = true;
    return true;
}

/// All that were wanted have been started, though some may have ended since.
bool firestarter_watch::is_complete() const {
    return std::ranges::none_of(group_.group().workers(),
                                [](const core::worker& worker) { return !worker.has_process(); });
}

/// Those that were not there before, or, after an upgrade, those of the new generation.
firestarter::process_list firestarter_watch::fresh() const {
    process_list all = group_.group().processes();
    if (what_ == verb::upgrade) {
        const core::group& group = group_.group();
        std::erase_if(all, [&](core::process_id pid) {
            return group.find(pid)->generation != group.current().generation;
        });
        return all;
    }
    std::erase_if(all, [&](core::process_id pid) {
        return std::ranges::find(state_.before, pid) != state_.before.end();
    });
    return all;
}

void firestarter_watch::answer(protocol::reply what) {
    if (std::exchange(answered_, true)) return;
    tell({*client_, boost::json::value(state_.command), protocol::firestarter_dialect()}, what);
}

bool firestarter_watch::fail(std::string why) {
    answer(protocol::refusal(std::move(why)));
    return false;
}

} // namespace einhyrningsins::master
