// SPDX-License-Identifier: GPL-3.0-or-later
#include "machine/reload.hpp"

#include <utility>

namespace einhyrningsins::machine {

using namespace reload_action;

void reload::request() {
    if (now_ == phase::idle) now_ = phase::wanted;
}

reload::actions reload::tick() {
    if (now_ == phase::wanted) return settle(phase::settling);
    if (now_ != phase::tried) return {};
    if (!failure_.empty()) return refuse_all(failure_);
    actions all = settle(phase::leaving);
    all.insert(all.begin(), announce{});
    return all;
}

reload::actions reload::settle(phase next) {
    now_ = next;
    if (std::exchange(waits_, true)) return {};
    return {reload_action::settle{}};
}

reload::actions reload::settled(const std::string& failure) {
    waits_ = false;
    if (now_ != phase::settling && now_ != phase::leaving) return {};
    if (!failure.empty()) return refuse_all(failure);
    if (now_ == phase::leaving) {
        now_ = phase::executing;
        return {execute{}};
    }
    now_ = phase::trying;
    return {begin_trial{++trial_}};
}

bool reload::is_under_way(unsigned trial) const { return now_ == phase::trying && trial == trial_; }

void reload::ended(unsigned trial, const std::string& failure) {
    if (!is_under_way(trial)) return;
    now_ = phase::tried;
    failure_ = failure;
}

reload::actions reload::overdue(unsigned trial, const std::string& why) {
    if (!is_under_way(trial)) return {};
    return cancel(why);
}

reload::actions reload::failed(const std::string& why) {
    if (now_ == phase::settling || now_ == phase::leaving) waits_ = false;
    return cancel(why);
}

reload::actions reload::cancel(const std::string& why) {
    actions all;
    if (now_ == phase::trying) all.push_back(kill{});
    for (const reload_action_type& action : refuse_all(why))
        all.push_back(action);
    return all;
}

reload::actions reload::refuse_all(const std::string& why) {
    if (std::exchange(now_, phase::idle) == phase::idle) return {};
    return {refuse{why}};
}

} // namespace einhyrningsins::machine
