// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/action_queue.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace einhyrningsins::core {

void action_queue::push(action_type action) { actions_.push_back(std::move(action)); }

void action_queue::tell(report news) { push(action::tell{std::move(news)}); }

void action_queue::dismiss(worker_id id, int signal) {
    bool known = std::ranges::any_of(actions_, [&](const action_type& action) {
        auto* sent = std::get_if<action::signal>(&action);
        return sent && sent->dismissal && sent->id == id && sent->number == signal;
    });
    if (!known) push(action::signal{id, signal, true});
}

void action_queue::cancel_signals(worker_id id) {
    std::erase_if(actions_, [&](const action_type& action) {
        auto* sent = std::get_if<action::signal>(&action);
        return sent && sent->id == id;
    });
}

std::vector<action_type> action_queue::take() { return std::exchange(actions_, {}); }

} // namespace einhyrningsins::core
