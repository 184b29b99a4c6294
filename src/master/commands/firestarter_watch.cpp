// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/firestarter_watch.hpp"

#include "master/commands/reply_line.hpp"

#include <algorithm>
#include <variant>

namespace einhyrningsins::master {
namespace {

namespace firestarter = protocol::firestarter;
using namespace core::report_of;
using firestarter::verb;

} // namespace

int change_stop_signal(group_runner& group, int signal) {
    config::group_settings changed = group.settings();
    std::swap(changed.policy.stop_signal, signal);
    group.change(changed);
    return signal;
}

std::shared_ptr<firestarter_watch>
firestarter_watch::begin(std::shared_ptr<control_connection> client,
                         const firestarter::command& what, group_runner& group, int usual_signal) {
    auto watch = std::make_shared<firestarter_watch>(std::move(client), what, group);
    bool upgrades = what.what == verb::upgrade; // which lets alone what is going already
    watch->before_ = upgrades ? group.group().active_processes() : group.group().processes();
    core::group_phase phase = group.group().phase();
    watch->again_ = phase == core::group_phase::stopped || phase == core::group_phase::waiting;
    watch->usual_signal_ = usual_signal;
    watch->observe();
    return watch;
}

std::shared_ptr<firestarter_watch>
firestarter_watch::take_over(const handoff::group_watch& from,
                             std::shared_ptr<control_connection> client, group_runner& group) {
    auto what = firestarter::find_command(from.command);
    if (!what) return nullptr;
    auto watch = std::make_shared<firestarter_watch>(std::move(client), *what, group);
    watch->before_ = from.before;
    watch->again_ = from.again;
    watch->usual_signal_ = from.usual_signal;
    watch->observe();
    return watch;
}

std::optional<handoff::group_watch> firestarter_watch::hand_over() const {
    if (answered_ || !client_->is_open()) return std::nullopt;
    return handoff::group_watch{.fd = client_->descriptor(),
                                .command = what_.name,
                                .group = group_.settings().name,
                                .before = before_,
                                .again = again_,
                                .usual_signal = usual_signal_};
}

firestarter_watch::firestarter_watch(std::shared_ptr<control_connection> client,
                                     const firestarter::command& what, group_runner& group)
    : client_(std::move(client)),
      hold_(client_->hold_open()),
      what_(what),
      group_(group) {}

firestarter_watch::~firestarter_watch() {
    usual_signal_ = 0; // the group is not there any more
    if (!answered_) fail("the group has gone");
}

void firestarter_watch::observe() {
    group_.observe(
        [watch = shared_from_this()](const core::report& what) { return watch->hear(what); });
}

/// A client that has gone is not waited for, but the signal has to be put back all the same.
bool firestarter_watch::hear(const core::report& what) {
    if (auto* one = std::get_if<worker_started>(&what)) return on_started(one->worker);
    if (std::holds_alternative<stopped>(what) || std::holds_alternative<ended>(what))
        return on_stopped();
    if (what_.what == verb::upgrade) {
        if (std::holds_alternative<upgrade_done>(what))
            return answer({firestarter::upgraded(fresh(), before_)}), false;
        bool failed = std::holds_alternative<upgrade_aborted>(what) ||
                      std::holds_alternative<upgrade_cancelled>(what);
        return failed ? fail(core::to_string(what)) : true;
    }
    bool hopeless = std::holds_alternative<start_failed>(what) ||
                    std::holds_alternative<backing_off>(what) ||
                    std::holds_alternative<gave_up>(what);
    return hopeless ? fail(core::to_string(what)) : true;
}

bool firestarter_watch::on_started(const core::worker& worker) {
    if (what_.what == verb::inc) answer({firestarter::increased(worker.pid)});
    if (what_.what == verb::start && is_complete()) answer({firestarter::started(fresh())});
    if (what_.what == verb::restart && again_ && is_complete())
        answer({firestarter::restarted(fresh(), before_)});
    return !answered_;
}

bool firestarter_watch::on_stopped() {
    if (what_.what != verb::restart || again_) return fail("the group was stopped");
    again_ = true;
    return true;
}

/// All that were wanted have been started, though some may have ended since.
bool firestarter_watch::is_complete() const {
    return std::ranges::none_of(group_.group().workers(),
                                [](const core::worker& who) { return who.pid == 0; });
}

/// Those that were not there before, or, after an upgrade, those of the new generation.
firestarter::process_list firestarter_watch::fresh() const {
    process_list all = group_.group().processes();
    if (what_.what == verb::upgrade) {
        const core::group& group = group_.group();
        std::erase_if(all, [&](core::process_id pid) {
            return group.find(pid)->generation != group.current().generation;
        });
        return all;
    }
    std::erase_if(all, [&](core::process_id pid) {
        return std::ranges::find(before_, pid) != before_.end();
    });
    return all;
}

void firestarter_watch::answer(protocol::reply what) {
    if (std::exchange(answered_, true)) return;
    if (usual_signal_ != 0) change_stop_signal(group_, usual_signal_);
    client_->send(reply_line(what, boost::json::value(what_.name), protocol::dialect::firestarter));
    client_->close();
}

bool firestarter_watch::fail(std::string why) {
    answer({.message = "error: " + std::move(why), .ok = false});
    return false;
}

} // namespace einhyrningsins::master
