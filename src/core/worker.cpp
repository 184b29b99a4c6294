// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/worker.hpp"

#include "core/assert.hpp"
#include "core/signal_name.hpp"

#include <algorithm>
#include <csignal>

namespace einhyrningsins::core {

using enum worker_state;

std::string to_string(const exit_cause& cause) {
    using enum exit_cause::kind_type;
    switch (cause.kind) {
    case exited: return "exit code " + std::to_string(cause.number);
    case signaled: return signal_name(cause.number) + (cause.core_dumped ? ", core dumped" : "");
    case unknown: break;
    }
    return "exit status unknown";
}

bool ends_for_good(const exit_cause& cause, restart_policy restart) {
    bool success = cause.kind == exit_cause::kind_type::exited && cause.number == 0;
    return restart == restart_policy::never || (restart == restart_policy::on_failure && success);
}

const char* to_string(worker_state state) {
    switch (state) {
    case wanted:
    case spawning:
    case starting: return "starting";
    case ready: return "ready";
    case cancelled:
    case stopping_by_command:
    case stopping: break;
    }
    return "stopping";
}

bool is_legal_move(worker_state from, worker_state to) {
    switch (from) {
    case wanted: return to == spawning;
    case spawning: return to == starting || to == cancelled;
    case cancelled: return to == stopping;
    case starting: return to == ready || to == stopping_by_command || to == stopping;
    case ready: return to == stopping_by_command || to == stopping;
    case stopping_by_command: return to == stopping;
    case stopping: break;
    }
    return false;
}

std::optional<time_point> dismissal::deadline(const policy& policy, duration excused) const {
    if (signal == SIGKILL) return std::nullopt;
    if (how == haste::hurried) return at + grace_before_kill + excused;
    if (policy.signal_timeout == duration::zero()) return std::nullopt;
    return at + policy.signal_timeout + excused;
}

int dismissal::next_signal(const policy& policy) const {
    return signal == SIGTERM || policy.kill_at_timeout ? SIGKILL : SIGTERM;
}

bool worker::active() const {
    return state == wanted || state == spawning || state == starting || state == ready;
}

bool worker::is_being_spawned() const { return state == spawning || state == cancelled; }

bool worker::has_process() const { return state != wanted && !is_being_spawned(); }

time_point worker::waited_for_since() const {
    if (state == ready) return last_sign_of_life(*this);
    return active() ? since : told.at;
}

void worker::move_to(worker_state next) {
    assert(is_legal_move(state, next));
    state = next;
    excused = {};
}

void worker::spawned(process_id number, time_point now) {
    pid = number;
    since = now;
    move_to(state == cancelled ? stopping : starting);
}

void worker::dismiss(int signal, haste how, time_point now) {
    told = {signal, now, how};
    excused = {};
    auto next = !has_process() ? cancelled : signal == 0 ? stopping_by_command : stopping;
    if (next != state) move_to(next);
}

void worker::touch(time_point now) {
    touched_at = now;
    if (state == ready) excused = {};
}

void worker::excuse(duration stall, time_point now) {
    if (has_process()) excused = std::min(excused + stall, now - waited_for_since());
}

std::optional<time_point> ack_deadline(const worker& worker, const ack_policy& ack) {
    if (worker.state != starting) return std::nullopt;
    if (std::holds_alternative<ack_none>(ack)) return worker.since;
    auto begin = worker.since + worker.excused;
    if (auto* timer = std::get_if<ack_timer>(&ack)) return begin + timer->survive;
    auto* manual = std::get_if<ack_manual>(&ack);
    duration timeout = manual ? manual->timeout : std::get<ack_notify>(ack).timeout;
    if (timeout == duration::zero()) return std::nullopt;
    return begin + timeout;
}

time_point last_sign_of_life(const worker& worker) {
    return std::max(worker.acked_at.value_or(worker.since),
                    worker.touched_at.value_or(worker.since));
}

std::optional<time_point> live_deadline(const worker& worker, const policy& policy) {
    if (!worker.is_ready() || policy.live_check == duration::zero()) return std::nullopt;
    return last_sign_of_life(worker) + policy.live_check + worker.excused;
}

std::optional<time_point> stop_deadline(const worker& worker, const policy& policy) {
    if (worker.active() || !worker.has_process()) return std::nullopt;
    return worker.told.deadline(policy, worker.excused);
}

} // namespace einhyrningsins::core
