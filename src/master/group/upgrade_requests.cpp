// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/upgrade_requests.hpp"

#include "master/group/worker_recipe.hpp"

#include <utility>
#include <variant>

namespace einhyrningsins::master {
namespace {

using clock = core::time_point::clock;
using core::severity;
using machine::preparation;
using phase = preparation::phase;

constexpr const char* name = "upgrader";

std::string user_in_words(const config::group_settings& settings) {
    std::string user = settings.user.empty() ? "" : "user " + settings.user;
    if (settings.group.empty()) return user;
    return (user.empty() ? "" : user + " and ") + "group " + settings.group;
}

preparation::settings_type settings_of(const config::group_settings& settings) {
    return {.upgrader = settings.upgrader.empty() ? "" : settings.upgrader[0],
            .interval = settings.upgrader_interval,
            .user = user_in_words(settings)};
}

/// The state names requests that wait for the upgrader and for a look-up apart; earlier programs
/// could have both at a time.
preparation::state_type state_of(const handoff::group& from) {
    handoff::upgrader upgrader = from.upgrader.value_or(handoff::upgrader{});
    preparation::state_type state{.next = upgrader.next};
    for (auto mode : {upgrader.asked, from.upgrade}) {
        if (!mode) continue;
        core::event::upgrade asked{*mode, from.upgrade_signal};
        state.asked = state.asked ? core::joined(*state.asked, asked) : asked;
    }
    if (upgrader.process)
        state.now = upgrader.cancelled ? phase::leaving : phase::running;
    else if (upgrader.asked)
        state.now = phase::wanted;
    else if (from.upgrade)
        state.now = phase::accepted;
    return state;
}

} // namespace

/// What follows from the state is told when those who wait have been taken over as well: in the
/// next turn of the loop.
upgrade_requests::upgrade_requests(const group_context& of, const group_services& services,
                                   const handoff::group& from)
    : of_(of),
      services_(services),
      machine_(settings_of(of.settings), state_of(from), clock::now()),
      alarm_(
          of.loop, [this] { carry_out(machine_.tick(clock::now(), of_.group.can_upgrade())); },
          loop::alarm::purpose::limit) {
    if (from.upgrader && from.upgrader->process)
        upgrader_ = std::make_shared<helper_process>(of_.loop, *from.upgrader->process, name,
                                                     owner_of_run(0));
    set_alarm();
}

void upgrade_requests::open() {
    carry_out(machine_.change(settings_of(of_.settings), clock::now()));
}

void upgrade_requests::hear(const core::event_type& event) {
    if (std::holds_alternative<core::event::stop>(event))
        carry_out(machine_.cancel("the group was told to stop"));
}

bool upgrade_requests::hear_death(const os::reaped& child) {
    auto keep = upgrader_; // it may be forgotten meanwhile
    return keep && keep->hear(child);
}

void upgrade_requests::hand_over(handoff::group& into) const {
    const preparation::state_type& state = machine_.state();
    bool is_checked = state.now == phase::accepted || state.now == phase::looking_up;
    bool is_to_be_checked = has_upgrader() && !is_checked;
    if (has_upgrader() || upgrader_)
        into.upgrader = {.cancelled = state.now == phase::leaving, .next = state.next};
    if (upgrader_) into.upgrader->process = upgrader_->hand_over();
    if (!state.asked) return;
    (is_to_be_checked ? into.upgrader->asked : into.upgrade) = state.asked->mode;
    into.upgrade_signal = state.asked->signal;
}

/// An action that throws, for want of memory say, does not keep the others from being carried out.
void upgrade_requests::carry_out(const preparation::actions& actions) {
    for (const auto& action : actions)
        attempt(of_.settings.name, [&] {
            std::visit([this](const auto& alternative) { perform(alternative); }, action);
        });
    set_alarm();
}

void upgrade_requests::set_alarm() {
    auto due = machine_.next_deadline();
    if (!due) return alarm_.cancel();
    if (*due <= clock::now())
        alarm_.soon();
    else
        alarm_.at(*due);
}

/// What fails for want of memory, say, is an answer as well.
void upgrade_requests::perform(const machine::preparation_action::start& action) {
    os::result<void> started;
    auto failure = attempt(of_.settings.name, [&] { started = start(action.run); });
    if (!failure && !started) failure = started.error().message();
    if (failure) end(action.run, std::string(name) + " cannot be run: " + *failure);
}

os::result<void> upgrade_requests::start(unsigned run) {
    auto recipe = make_helper_recipe(of_, services_, of_.settings.upgrader);
    if (!recipe) return recipe.error();
    auto begun = helper_process::start(of_.loop, std::move(*recipe), of_.settings.upgrader_timeout,
                                       name, owner_of_run(run));
    if (!begun) return begun.error();
    upgrader_ = std::move(*begun);
    carry_out(machine_.started(run, upgrader_->pid()));
    return {};
}

helper_process::owner upgrade_requests::owner_of_run(unsigned run) {
    return {[this, run](const std::string& failure) { end(run, failure); },
            [this](severity level, const std::string& text) { of_.log(level, text); }};
}

void upgrade_requests::end(unsigned run, const std::string& failure) {
    upgrader_.reset();
    carry_out(machine_.ended(run, failure, clock::now()));
}

void upgrade_requests::perform(const machine::preparation_action::stop& action) {
    upgrader_->end(action.why);
}

void upgrade_requests::perform(const machine::preparation_action::look_up& action) {
    os::result<void> begun;
    auto failure = attempt(of_.settings.name, [&] { begun = look_up(action.number); });
    if (!failure && !begun) failure = begun.error().message();
    if (failure) carry_out(machine_.found(action.number, *failure));
}

/// A look-up whose answer nobody wants any more may still occupy a thread, for as long as the user
/// database does not answer. The next one of the same user waits for its answer, so that a group
/// that asks again and again does not take all threads from the others.
os::result<void> upgrade_requests::look_up(unsigned number) {
    os::query::account user = account_query(of_.settings);
    look_up_wanted_ = number;
    if (looked_up_ == user) return {};
    auto begun = of_.around.look_ups->run(
        [user] {
            os::look_ups names;
            names.add({user});
            return names;
        },
        [this, user](const os::result<os::look_ups>& names) {
            looked_up_.reset();
            if (look_up_wanted_) finish_look_up(names ? names->of(user) : names.error());
        });
    if (!begun) return begun.error();
    look_up_ = std::move(*begun);
    looked_up_ = std::move(user);
    return {};
}

void upgrade_requests::finish_look_up(os::result<std::optional<os::identity>> user) {
    unsigned number = *std::exchange(look_up_wanted_, std::nullopt);
    if (user) of_.change_identity(std::move(*user));
    carry_out(machine_.found(number, user ? "" : user.error().message()));
}

/// Those who wait hear the core's answer, which comes in the group's next turn.
void upgrade_requests::perform(const machine::preparation_action::upgrade& action) {
    if (auto failure = attempt(of_.settings.name, [&] { of_.notice(action.wanted); }))
        of_.tell(core::report_of::upgrade_cancelled{*failure});
}

void upgrade_requests::perform(const machine::preparation_action::note& action) {
    of_.log(action.level, action.text);
}

} // namespace einhyrningsins::master
