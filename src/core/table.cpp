// SPDX-License-Identifier: GPL-3.0-or-later
//
// The process table of a group: its records, and what is counted from them.
#include "core/group.hpp"

#include <algorithm>
#include <cassert>
#include <utility>
#include <variant>

namespace einhyrningsins::core {

void group::add(core::generation number, unsigned count, time_point now) {
    for (; count > 0; --count) {
        unsigned index = free_index();
        auto restarts = state_.restarts.find(index);
        state_.workers.push_back(
            {.id = worker_id(++state_.last_id),
             .index = index,
             .generation = number,
             .restarts = restarts == state_.restarts.end() ? 0 : restarts->second,
             .since = now});
    }
}

void group::set_state(worker& who, worker_state state) {
    assert(is_legal_move(who.state, state));
    who.state = state;
}

void group::drop_unrequested(core::generation number) {
    std::erase_if(state_.workers, [&](const worker& who) {
        return !who.spawn_requested && who.generation == number;
    });
}

worker group::remove(worker_id id) {
    auto found = std::ranges::find(state_.workers, id, &worker::id);
    assert(found != state_.workers.end());
    worker who = std::move(*found);
    state_.workers.erase(found);
    return who;
}

/// Whether that was decided in this turn already, before the operator changed his mind twice.
bool group::will_signal(worker_id id, int signal) const {
    return std::ranges::any_of(actions_, [&](const action_type& what) {
        auto* sent = std::get_if<action::signal>(&what);
        return sent && sent->id == id && sent->number == signal;
    });
}

/// Once its end is known its pid may be given to another process at any time.
void group::cancel_signals(worker_id id) {
    std::erase_if(actions_, [&](const action_type& what) {
        auto* sent = std::get_if<action::signal>(&what);
        return sent && sent->id == id;
    });
}

const worker* group::find(process_id pid) const {
    auto found = std::ranges::find(state_.workers, pid, &worker::pid);
    return pid == 0 || found == state_.workers.end() ? nullptr : &*found;
}

worker* group::find_mutable(process_id pid) { return const_cast<worker*>(find(pid)); }

worker* group::find_mutable(worker_id id) {
    auto found = std::ranges::find(state_.workers, id, &worker::id);
    return found == state_.workers.end() ? nullptr : &*found;
}

lineage* group::lineage_of(core::generation number) {
    if (number == state_.current.generation) return &state_.current;
    if (state_.upgrade && number == state_.upgrade->previous.generation)
        return &state_.upgrade->previous;
    return nullptr;
}

unsigned group::capacity() const {
    return static_cast<unsigned>(
        std::ranges::count(state_.workers, worker_state::ready, &worker::state));
}

/// Without an upgrade all generations that serve are equal.
bool group::is_old(const worker& who) const {
    return state_.upgrade && who.generation != state_.current.generation;
}

/// Whether its death before ack is a failure of an upgrade.
bool group::is_on_trial(const worker& who) const {
    return state_.upgrade && !is_old(who) && who.state == worker_state::starting;
}

/// How many workers there are to be, without those that ended for good.
unsigned group::wanted(const lineage& line) const {
    return state_.wishes.number - std::min(line.ended, state_.wishes.number);
}

census group::take_census() const {
    census count{.wanted = wanted(state_.current)};
    for (const worker& who : state_.workers) {
        ++count.existing;
        if (!who.active()) continue;
        if (is_old(who)) {
            ++count.old_active;
            continue;
        }
        ++count.fresh_active;
        ++(who.state == worker_state::ready ? count.fresh_ready : count.fresh_unacked);
    }
    return count;
}

unsigned group::free_index() const {
    std::vector<bool> taken(state_.workers.size() + 1);
    for (const worker& who : state_.workers)
        if (who.index < taken.size()) taken[who.index] = true;
    return static_cast<unsigned>(std::ranges::find(taken, false) - taken.begin());
}

} // namespace einhyrningsins::core
