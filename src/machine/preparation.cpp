// SPDX-License-Identifier: GPL-3.0-or-later
#include "machine/preparation.hpp"

#include <utility>

namespace einhyrningsins::machine {

using namespace preparation_action;
using core::severity;

preparation::preparation(settings_type settings, state_type state, core::time_point now)
    : settings_(std::move(settings)),
      state_(std::move(state)) {
    plan(now);
}

std::string preparation::awaited() const {
    if (!state_.asked) return {};
    bool is_checked = state_.now == phase::accepted || state_.now == phase::looking_up;
    if (!is_checked && !settings_.upgrader.empty()) return "its upgrader";
    return settings_.user.empty() ? "" : "the look-up of " + settings_.user;
}

preparation::actions preparation::request(const core::event::upgrade& wanted) {
    state_.asked = state_.asked ? core::joined(*state_.asked, wanted) : wanted;
    switch (state_.now) {
    case phase::resting:
        if (settings_.upgrader.empty() && settings_.user.empty()) return conclude();
        state_.now = phase::wanted;
        break;
    case phase::running:
        return {note{severity::info, "the upgrader is running already; its outcome counts"}};
    case phase::leaving:
        return {note{severity::info, "the upgrader will run when the one before has gone"}};
    case phase::looking_up:
        return {note{severity::info, "this request is served by the upgrade that waits for the "
                                     "look-up of " +
                                         settings_.user}};
    case phase::wanted:
    case phase::accepted: break;
    }
    return {};
}

preparation::actions preparation::cancel(const std::string& why) {
    actions all;
    if (state_.now == phase::running) all.push_back(stop{why});
    if (state_.now == phase::looking_up) all.push_back(withdraw{});
    state_.now = has_process() ? phase::leaving : phase::resting;
    if (std::exchange(state_.asked, std::nullopt))
        all.push_back(tell{core::report_of::upgrade_cancelled{why}});
    return all;
}

preparation::actions preparation::change(settings_type settings, core::time_point now) {
    bool other_user = settings_.user != settings.user;
    settings_ = std::move(settings);
    plan(now);
    if (state_.now == phase::running && settings_.upgrader.empty())
        return cancel("the group has no upgrader any more; ask again");
    if (state_.now != phase::looking_up || !other_user) return {};
    state_.now = phase::accepted;
    return {withdraw{}};
}

/// The next run that nobody requests is at most one interval away.
void preparation::plan(core::time_point now) {
    if (settings_.upgrader.empty() || settings_.interval <= core::duration::zero())
        return state_.next.reset();
    auto latest = now + settings_.interval;
    if (!state_.next || *state_.next > latest) state_.next = latest;
}

bool preparation::has_process() const {
    return state_.now == phase::running || state_.now == phase::leaving;
}

preparation::actions preparation::run() {
    state_.now = phase::running;
    return {start{++run_}};
}

preparation::actions preparation::started(unsigned run, core::process_id pid) {
    if (run != run_ || !has_process()) return {};
    return {tell{core::report_of::upgrader_began{settings_.upgrader, pid}}};
}

/// If nobody waits, success means that there is something new, and a failure that there is not.
preparation::actions preparation::ended(unsigned run, const std::string& failure,
                                        core::time_point now) {
    if (run != run_ || !has_process()) return {};
    state_.next.reset();
    plan(now);
    bool counts = std::exchange(state_.now, phase::resting) == phase::running;
    if (!counts) {
        if (state_.asked) state_.now = phase::wanted;
        return {};
    }
    if (!failure.empty()) return fail(failure);
    state_.now = phase::accepted;
    if (!state_.asked) state_.asked = core::event::upgrade{core::upgrade_mode::rolling, {}};
    return {tell{core::report_of::upgrader_done{}}};
}

preparation::actions preparation::found(unsigned number, const std::string& failure) {
    if (number != look_up_ || state_.now != phase::looking_up) return {};
    return failure.empty() ? conclude() : fail(failure);
}

preparation::actions preparation::tick(core::time_point now, bool can_upgrade) {
    switch (state_.now) {
    case phase::resting: return run_by_itself(now, can_upgrade);
    case phase::wanted:
        if (can_upgrade && !settings_.upgrader.empty()) return run();
        return go_on(now, can_upgrade);
    case phase::accepted: return go_on(now, can_upgrade);
    case phase::looking_up: return judge_look_up(now);
    case phase::running:
    case phase::leaving: break;
    }
    return {};
}

preparation::actions preparation::run_by_itself(core::time_point now, bool can_upgrade) {
    if (!core::is_due(state_.next, now)) return {};
    if (can_upgrade) return run();
    state_.next.reset();
    plan(now);
    return {};
}

/// When there is no upgrader, or it has nothing against the upgrade.
preparation::actions preparation::go_on(core::time_point now, bool can_upgrade) {
    if (settings_.user.empty() || !can_upgrade) return conclude();
    state_.now = phase::looking_up;
    look_up_due_ = now + slow_look_up;
    slowness_told_ = false;
    return {look_up{++look_up_}};
}

/// First of its slowness, then of its end.
preparation::actions preparation::judge_look_up(core::time_point now) {
    if (now < look_up_due_) return {};
    if (!std::exchange(slowness_told_, true)) {
        look_up_due_ = now + (longest_look_up - slow_look_up);
        return {note{severity::warning, "an upgrade waits for the look-up of " + settings_.user}};
    }
    actions all = {withdraw{}};
    for (auto& action : fail("the look-up of " + settings_.user + " has not ended within " +
                             core::to_string(longest_look_up) +
                             "; see nsswitch.conf(5) for where users are looked up"))
        all.push_back(std::move(action));
    return all;
}

preparation::actions preparation::conclude() {
    state_.now = phase::resting;
    return {upgrade{*std::exchange(state_.asked, std::nullopt)}};
}

preparation::actions preparation::fail(const std::string& why) {
    state_.now = phase::resting;
    if (std::exchange(state_.asked, std::nullopt))
        return {tell{core::report_of::upgrade_cancelled{why}}};
    return {note{severity::info, why + "; no upgrade"}};
}

std::optional<core::time_point> preparation::next_deadline() const {
    switch (state_.now) {
    case phase::resting: return state_.next;
    case phase::wanted:
    case phase::accepted: return core::time_point::min();
    case phase::looking_up: return look_up_due_;
    case phase::running:
    case phase::leaving: break;
    }
    return std::nullopt;
}

} // namespace einhyrningsins::machine
