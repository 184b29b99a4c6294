// SPDX-License-Identifier: GPL-3.0-or-later
#include "unit/core/life.hpp"

#include "core/signal_name.hpp"

#include <algorithm>
#include <ostream>

namespace einhyrningsins::core {

void life::happens(const event_type& what) {
    group_.apply(what, now_);
    settle();
}

void life::pass(duration length) {
    auto end = now_ + length;
    for (settle(); group_.next_deadline() && *group_.next_deadline() <= end; settle())
        now_ = std::max(now_, *group_.next_deadline());
    now_ = end;
}

bool life::hears(const std::string& text) {
    auto told = news();
    return std::ranges::any_of(
        told, [&](const std::string& one) { return one.find(text) != std::string::npos; });
}

lines life::workers() const {
    lines result;
    for (const worker& who : group_.workers())
        result.push_back(std::to_string(who.pid) + " " + to_string(who.state));
    return result;
}

void life::settle() {
    for (auto actions = group_.reconcile(now_); !actions.empty(); actions = group_.reconcile(now_))
        for (const action_type& what : actions)
            std::visit([this](const auto& it) { perform(it); }, what);
}

void life::perform(const action::begin_generation& what) {
    deeds_.push_back("generation " + std::to_string(what.number));
}

void life::perform(const action::spawn& what) {
    if (!reason_.empty()) {
        deeds_.push_back("refused");
        return group_.apply(event::spawn_failed{what.id, reason_, scarce_}, now_);
    }
    deeds_.push_back("spawn " + std::to_string(++last_pid_) + " index " +
                     std::to_string(what.index) + " generation " + std::to_string(what.generation));
    group_.apply(event::spawned{what.id, last_pid_}, now_);
}

void life::perform(const action::signal& what) {
    if (const worker* target = group_.find(what.id))
        deeds_.push_back(signal_name(what.number) + " to " + std::to_string(target->pid));
}

void life::perform(const action::run_stop_command&) { deeds_.push_back("stop command"); }

void life::perform(const action::tell& what) { news_.push_back(to_string(what.what)); }

life running(policy wishes) {
    if (!std::holds_alternative<ack_none>(wishes.ack)) wishes.ack = ack_timer{duration::zero()};
    life one(wishes);
    one.start();
    one.deeds();
    one.news();
    return one;
}

std::ostream& operator<<(std::ostream& out, const lines& what) {
    const char* separator = "";
    for (const std::string& one : what) {
        out << separator << one;
        separator = ", ";
    }
    return out;
}

std::ostream& operator<<(std::ostream& out, group_phase phase) {
    constexpr const char* names[] = {"stopped", "waiting", "running", "stopping", "given_up"};
    return out << names[static_cast<unsigned>(phase)];
}

} // namespace einhyrningsins::core
