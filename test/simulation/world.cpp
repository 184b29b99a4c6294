// SPDX-License-Identifier: GPL-3.0-or-later
#include "simulation/world.hpp"

#include <algorithm>
#include <csignal>
#include <vector>

namespace einhyrningsins::simulation {
namespace {

using namespace core;

/// Small, so that pids come round again soon.
constexpr process_id highest_pid = 97;

exit_cause exited(int code) { return {exit_cause::kind_type::exited, code, false}; }
exit_cause killed(int signal) { return {exit_cause::kind_type::signaled, signal, false}; }

std::string table(const core::group& of) {
    std::string text;
    for (const worker& who : of.workers())
        text += std::to_string(static_cast<unsigned long>(who.id)) + "/" + std::to_string(who.pid) +
                "/" + std::to_string(who.index) + "/" + to_string(who.state) + " ";
    return text;
}

} // namespace

world::world(const policy& wishes, unsigned seed) : group_(wishes, seed) {}

void world::happen(const event_type& what) { turn_once(&what); }

void world::turn_once(const event_type* what) {
    core::group before = group_;
    if (what) {
        note(*what);
        group_.apply(*what, now_);
    }
    core::group applied = group_;
    auto actions = group_.reconcile(now_);
    for (const action_type& one : actions)
        note(one);
    rules_.check({before, applied, group_, actions, now_});
    for (const action_type& one : actions)
        perform(one);
    table_and_world_agree();
}

void world::perform(const action_type& what) {
    if (auto* spawn = std::get_if<action::spawn>(&what)) start(*spawn);
    if (auto* signal = std::get_if<action::signal>(&what)) deliver(*signal);
}

void world::start(const action::spawn& what) {
    if (temperament_.fails_to_start || temperament_.is_too_much)
        return schedule(answer_delay_, {news::kind_type::answer, 0, what.id, {}});
    do
        last_pid_ = last_pid_ % highest_pid + 1;
    while (processes_.contains(last_pid_));
    processes_[last_pid_] = {what.id, what.generation, temperament_, now_ + answer_delay_};
    schedule(answer_delay_, {news::kind_type::answer, last_pid_, what.id, {}});
}

void world::deliver(const action::signal& what) {
    auto found = processes_.find(what.pid);
    if (found == processes_.end() || found->second.id != what.id)
        throw broken_invariant("no_unknown_process", "signal to pid " + std::to_string(what.pid));
    const auto& obeys = found->second.how.obeys_after;
    if (what.number == SIGKILL)
        schedule(std::chrono::milliseconds(1),
                 {news::kind_type::exit, what.pid, what.id, killed(SIGKILL)});
    else if (obeys)
        schedule(*obeys, {news::kind_type::exit, what.pid, what.id, exited(0)});
}

void world::schedule(duration delay, news what) { pending_.emplace(now_ + delay, what); }

void world::announce(const news& what) {
    auto found = processes_.find(what.pid);
    bool is_there = found != processes_.end() && found->second.id == what.id;
    switch (what.kind) {
    case news::kind_type::answer:
        if (what.pid == 0) {
            return happen(event::spawn_failed{what.id, "a reason", temperament_.is_too_much});
        } else {
            found->second.answered = true;
            const temperament how = found->second.how;
            if (how.acks_after)
                schedule(*how.acks_after, {news::kind_type::ack, what.pid, what.id, {}});
            if (how.dies_after)
                schedule(*how.dies_after, {news::kind_type::exit, what.pid, what.id, exited(1)});
            return happen(event::spawned{what.id, what.pid});
        }
    case news::kind_type::ack:
        if (is_there) happen(event::acked{what.pid});
        return;
    case news::kind_type::exit:
        if (is_there) end(what.pid, what.cause);
    }
}

void world::end(process_id pid, const exit_cause& cause) {
    processes_.erase(pid);
    happen(event::exited{pid, cause});
}

bool world::strike(worker_state state, int signal) {
    for (const worker& who : group_.workers()) {
        if (who.state != state || who.pid == 0) continue;
        end(who.pid, killed(signal));
        return true;
    }
    return false;
}

bool world::acknowledge_oldest() {
    for (const worker& who : group_.workers()) {
        if (who.state != worker_state::starting || who.pid == 0) continue;
        happen(event::acked{who.pid});
        return true;
    }
    return false;
}

void world::acknowledge_all() {
    std::vector<process_id> pids;
    for (const worker& who : group_.workers())
        if (who.state == worker_state::starting && who.pid != 0) pids.push_back(who.pid);
    for (process_id pid : pids)
        happen(event::acked{pid});
}

void world::spread_rumours(process_id pid) {
    if (processes_.contains(pid)) return;
    turn_once(nullptr); // what is due now is not the rumours' doing
    std::string before = table(group_);
    for (const event_type& rumour :
         {event_type(event::acked{pid}), event_type(event::exited{pid, exited(0)}),
          event_type(event::pinged{pid, "x"}), event_type(event::spawned{worker_id(1U << 30), pid}),
          event_type(event::spawn_failed{worker_id(1U << 30), "?", false})})
        happen(rumour);
    if (table(group_) != before) throw broken_invariant("stale_news_is_ignored", before);
}

bool world::pass_to_next(duration limit) {
    auto deadline = group_.next_deadline();
    time_point next = now_ + limit;
    bool by_news = !pending_.empty() && pending_.begin()->first <= next;
    if (by_news) next = pending_.begin()->first;
    // While the group waits for answers only, its deadline is in the past for good.
    bool unanswered = std::ranges::any_of(
        group_.workers(), [](const worker& who) { return who.spawn_requested && who.pid == 0; });
    if (deadline && *deadline <= now_ && unanswered) deadline.reset();
    if (deadline && *deadline < next) {
        now_ = std::max(now_, *deadline);
        turn_once(nullptr);
        return true;
    }
    now_ = next;
    if (!by_news) return false;
    news what = pending_.begin()->second;
    pending_.erase(pending_.begin());
    announce(what);
    return true;
}

void world::pass(duration length) {
    time_point end = now_ + length;
    while (pass_to_next(end - now_)) {
    }
}

void world::table_and_world_agree() const {
    for (const worker& who : group_.workers()) {
        auto found = processes_.find(who.pid);
        if (who.pid != 0 && (found == processes_.end() || found->second.id != who.id))
            throw broken_invariant("no_orphan_record", "pid " + std::to_string(who.pid));
    }
    for (const auto& [pid, one] : processes_)
        if (one.answered && !group_.find(pid))
            throw broken_invariant("no_unknown_process", "pid " + std::to_string(pid));
}

void world::note(std::variant<event_type, action_type> what) {
    history_.push_back(std::make_shared<entry>(entry{now_, std::move(what)}));
}

std::string world::history() const {
    std::string text;
    for (const auto& one : history_) {
        auto ms =
            std::chrono::duration_cast<std::chrono::milliseconds>(one->when.time_since_epoch());
        auto* event = std::get_if<event_type>(&one->what);
        std::string line = event ? " - " + to_string(*event)
                                 : "     " + to_string(std::get<action_type>(one->what));
        text += std::to_string(ms.count()) + " ms" + line + "\n";
    }
    return text;
}

} // namespace einhyrningsins::simulation
