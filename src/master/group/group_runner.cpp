// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/group_runner.hpp"

#include "master/group/worker_recipe.hpp"
#include "master/logging.hpp"
#include "master/start_failure.hpp"
#include "os/exec.hpp"
#include "os/signals.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <random>
#include <variant>

namespace einhyrningsins::master {

using core::severity;

group_runner::group_runner(boost::asio::io_context& context, config::group_settings wishes,
                           const surroundings& around)
    : context_(context),
      settings_(std::move(wishes)),
      trouble_("it has not been opened"),
      around_(around),
      group_(settings_.policy, std::random_device()()),
      parts_(context_of_parts()),
      services_(parts_),
      spawner_(parts_, services_),
      timer_(context) {
    services_.open();
}

group_runner::group_runner(boost::asio::io_context& context, const handoff::group& from,
                           const surroundings& around)
    : context_(context),
      settings_(from.settings),
      listeners_(listener_set::take_over(from)),
      trouble_(from.trouble),
      configured_(from.configured ? std::make_unique<config::group_settings>(*from.configured)
                                  : nullptr),
      retired_(from.retired),
      around_(around),
      group_(from.state, std::random_device()(), !from.preloads.empty()),
      parts_(context_of_parts()),
      services_(parts_),
      spawner_(parts_, services_),
      timer_(context) {
    running_since_ = from.running_since;
    made_from_ = from.made_from;
    if (trouble_.empty())
        if (auto trouble = open_control(from.control))
            log(severity::error, settings_.name, *trouble + "; going on without");
    spawner_.take_over(from);
    services_.take_over(from);
    services_.open();
    notice_unseen_deaths();
    schedule();
}

group_runner::~group_runner() = default;

group_context group_runner::context_of_parts() {
    return {.loop = context_,
            .settings = settings_,
            .around = around_,
            .listeners = listeners_,
            .group = group_,
            .notice = [this](const core::event_type& what) { notice(what); },
            .tell = [this](const core::report& what) { tell(what); },
            .hear_births = [this] { hear_births(); },
            .wake = [this] { schedule(); }};
}

std::optional<std::string> group_runner::open() {
    if (trouble_.empty()) return std::nullopt;
    if (auto wrong = check(settings_, around_)) return trouble_ = *wrong;
    listener_set::list_type none;
    auto opened = listener_set::open(settings_, listeners_, none);
    if (!opened) return trouble_ = opened.error();
    if (auto wrong = open_control(std::nullopt)) return trouble_ = *wrong;
    adopt(std::move(*opened));
    return std::nullopt;
}

std::optional<std::string> group_runner::open_control(const control_source& from) {
    if (settings_.control_socket.empty() || control_) return std::nullopt;
    try {
        control_ = around_.open_control(settings_, from);
    } catch (const start_failure& why) {
        return why.what();
    }
    return std::nullopt;
}

std::optional<std::string> group_runner::check(const config::group_settings& wishes,
                                               const surroundings& around) {
    auto found = find_program(wishes, around);
    if (!found) return found.error().message();
    auto who = os::find_identity(wishes.user, wishes.group);
    if (!who) return who.error().message();
    return std::nullopt;
}

void group_runner::adopt(listener_set fresh) {
    for (const auto& one : fresh.list())
        if (std::ranges::find(listeners(), one) == listeners().end())
            log(severity::info, settings_.name, "listening on " + one->open.address);
    listeners_.replace(std::move(fresh));
    trouble_.clear();
}

void group_runner::notice(const core::event_type& what) {
    services_.end(what);
    group_.apply(what, core::time_point::clock::now());
    schedule();
}

void group_runner::settle() {
    hear_births();
    do
        step();
    while (scheduled_);
}

handoff::group group_runner::hand_over() const {
    handoff::group into{.settings = settings_,
                        .configured = configured_ ? std::optional(*configured_) : std::nullopt,
                        .retired = retired_,
                        .trouble = trouble_,
                        .state = group_.state()};
    into.made_from = made_from_;
    listeners_.hand_over(into);
    into.running_since = running_since_;
    if (control_) into.control = control_->hand_over();
    spawner_.hand_over(into);
    services_.hand_over(into);
    return into;
}

/// While another program ran in this process, a wrapper of the next one say, it may have reaped a
/// worker: nobody will ever tell how that ended.
void group_runner::notice_unseen_deaths() {
    std::vector<core::process_id> gone;
    for (const core::worker& who : group_.workers())
        if (who.pid != 0 && !os::is_own_child(who.pid)) gone.push_back(who.pid);
    for (core::process_id pid : gone)
        notice(core::event::exited{pid, {}});
}

void group_runner::change(const config::group_settings& wishes) {
    if (!configured_) configured_ = std::make_unique<config::group_settings>(settings_);
    settings_ = wishes;
    services_.open();
    notice(core::event::reconfigure{wishes.policy});
}

bool group_runner::lacks_control(const config::group_settings& wishes) const {
    const std::string& path = wishes.control_socket;
    return !path.empty() && (!control_ || path != settings_.control_socket);
}

bool group_runner::reconfigure(const config::group_settings& wishes, listener_set listeners,
                               std::unique_ptr<control_server> control) {
    if (control || wishes.control_socket.empty()) control_ = std::move(control);
    bool comes_back = std::exchange(retired_, false);
    bool is_new = !trouble_.empty();
    settings_ = wishes;
    configured_.reset();
    adopt(std::move(listeners));
    for (const std::string& error : listeners_.change_options(settings_))
        log(severity::error, settings_.name, "listener " + error);
    services_.open();
    notice(core::event::reconfigure{wishes.policy});
    if (group_.phase() == core::group_phase::stopped) spawner_.forget_plans();
    listeners_.forget_old(spawner_.descriptors_in_use());
    if (comes_back) notice(core::event::restart{});
    if (is_new) notice(core::event::open{});
    return !comes_back && !is_new && group_.can_upgrade();
}

/// After an upgrade that was aborted the old generation is the current one again.
bool group_runner::is_behind() const {
    core::generation now = group_.current().generation;
    return now != 0 && now < made_from_;
}

listener_set::list_type group_runner::listeners_in_service() const {
    core::generation number =
        group_.upgrade() ? group_.upgrade()->previous.generation : group_.current().generation;
    auto descriptors = spawner_.descriptors_of(number);
    return descriptors ? listeners_.with(*descriptors) : listeners();
}

void group_runner::retire() {
    retired_ = true;
    notice(core::event::stop{group_.wishes().stop_signal});
}

bool group_runner::is_gone() const {
    return retired_ && group_.phase() == core::group_phase::stopped && helpers().empty();
}

void group_runner::schedule() {
    if (std::exchange(scheduled_, true)) return;
    boost::asio::post(context_, [this, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) step();
    });
}

void group_runner::step() {
    scheduled_ = false;
    for (const core::action_type& what : group_.reconcile(core::time_point::clock::now()))
        std::visit([this](const auto& it) { perform(it); }, what);
    spawner_.tend();
    // Workers of a generation that is still needed are to get what those before them got.
    if (listeners_.has_old()) listeners_.forget_old(spawner_.descriptors_in_use());
    services_.tend();
    arm_timer();
    if (settled_ && !scheduled_) settled_();
}

void group_runner::notice_stray(const os::reaped& dead) {
    if (services_.hear(dead)) return schedule();
    spawner_.notice_death(dead);
}

void group_runner::perform(const core::action::begin_generation& what) {
    services_.follow_program();
    spawner_.begin(what.number);
}

void group_runner::perform(const core::action::spawn& what) { spawner_.spawn(what); }

void group_runner::perform(const core::action::run_stop_command&) { services_.run_stop_command(); }

void group_runner::perform(const core::action::signal& what) {
    os::send_signal(what.pid, what.number);
}

void group_runner::perform(const core::action::tell& what) { tell(what.what); }

void group_runner::note_running(const core::report& what) {
    if (std::holds_alternative<core::report_of::worker_started>(what) && !running_since_)
        running_since_ = core::time_point::clock::now();
    if (std::holds_alternative<core::report_of::worker_died>(what) && group_.workers().empty())
        running_since_.reset();
}

void group_runner::tell(const core::report& what) {
    log(core::severity_of(what), settings_.name, core::to_string(what));
    note_running(what);
    std::erase_if(observers_, [&](const observer& who) { return !who(what); });
}

void group_runner::arm_timer() {
    auto deadline = group_.next_deadline();
    if (!deadline) {
        timer_.cancel();
        return;
    }
    if (*deadline <= core::time_point::clock::now()) return schedule();
    timer_.expires_at(*deadline);
    timer_.async_wait(
        [this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
            if (!error && !alive.expired()) schedule();
        });
}

} // namespace einhyrningsins::master
