// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/worker.hpp"

#include "core/signal_name.hpp"

#include <algorithm>
#include <csignal>

namespace einhyrningsins::core {

std::string to_string(const exit_cause& cause) {
    using enum exit_cause::kind_type;
    switch (cause.kind) {
    case exited: return "exit code " + std::to_string(cause.number);
    case signaled: return signal_name(cause.number) + (cause.core_dumped ? ", core dumped" : "");
    case unknown: break;
    }
    return "exit status unknown";
}

bool ends_for_good(const exit_cause& cause, restart_policy wish) {
    bool success = cause.kind == exit_cause::kind_type::exited && cause.number == 0;
    return wish == restart_policy::never || (wish == restart_policy::on_failure && success);
}

const char* to_string(worker_state state) {
    switch (state) {
    case worker_state::starting: return "starting";
    case worker_state::ready: return "ready";
    case worker_state::stopping: break;
    }
    return "stopping";
}

bool is_legal_move(worker_state from, worker_state to) {
    using enum worker_state;
    return (from == starting && to != starting) || (from == ready && to == stopping);
}

std::optional<time_point> dismissal::deadline(const policy& wishes) const {
    if (signal == SIGKILL) return std::nullopt;
    if (how == haste::hurried) return at + grace_before_kill;
    if (wishes.signal_timeout == duration::zero()) return std::nullopt;
    return at + wishes.signal_timeout;
}

int dismissal::next_signal(const policy& wishes) const {
    return signal == SIGTERM || wishes.kill_at_timeout ? SIGKILL : SIGTERM;
}

std::optional<time_point> ack_deadline(const worker& who, const ack_policy& ack) {
    if (who.state != worker_state::starting || who.pid == 0) return std::nullopt;
    if (auto* timer = std::get_if<ack_timer>(&ack)) return who.since + timer->survive;
    if (std::holds_alternative<ack_none>(ack)) return who.since;
    auto* manual = std::get_if<ack_manual>(&ack);
    duration timeout = manual ? manual->timeout : std::get<ack_notify>(ack).timeout;
    if (timeout == duration::zero()) return std::nullopt;
    return who.since + timeout;
}

time_point last_sign_of_life(const worker& who) {
    return std::max(who.acked_at.value_or(who.since), who.touched_at.value_or(who.since));
}

std::optional<time_point> live_deadline(const worker& who, const policy& wishes) {
    if (who.state != worker_state::ready || wishes.live_check == duration::zero())
        return std::nullopt;
    return last_sign_of_life(who) + wishes.live_check;
}

} // namespace einhyrningsins::core
