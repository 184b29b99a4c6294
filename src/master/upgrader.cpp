// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/upgrader.hpp"

#include <utility>

namespace einhyrningsins::master {
namespace {

using core::severity;

constexpr const char* name = "upgrader";

} // namespace

upgrader::upgrader(boost::asio::io_context& context, const config::group_settings& wishes,
                   owner who)
    : context_(context),
      wishes_(wishes),
      owner_(std::move(who)),
      timer_(context) {
    if (wishes_.upgrader_interval > core::duration::zero())
        plan_next(core::time_point::clock::now() + wishes_.upgrader_interval);
}

upgrader::upgrader(boost::asio::io_context& context, const config::group_settings& wishes,
                   const handoff::upgrader& from, owner who)
    : context_(context),
      wishes_(wishes),
      owner_(std::move(who)),
      asked_(from.asked),
      timer_(context) {
    if (from.process)
        process_ = helper_process::take_over(context, *from.process, name, process_owner());
    if (from.next) plan_next(*from.next);
}

handoff::upgrader upgrader::hand_over() const {
    handoff::upgrader into{.asked = asked_, .next = next_};
    if (process_) into.process = process_->hand_over();
    return into;
}

helper_process::owner upgrader::process_owner() {
    return {[this](const std::string& failure) { finish(failure); },
            [this](severity level, const std::string& text) { owner_.log(level, text); }};
}

void upgrader::request(core::upgrade_mode mode) {
    asked_ = mode;
    if (process_)
        owner_.log(severity::info, "the upgrader is running already; its outcome counts");
    else
        begin();
}

void upgrader::begin() {
    auto fail = [&](const os::os_error& error) {
        finish("the upgrader cannot be run: " + error.message());
    };
    auto recipe = owner_.recipe();
    if (!recipe) return fail(recipe.error());
    auto begun = helper_process::start(context_, std::move(*recipe), wishes_.upgrader_timeout, name,
                                       process_owner());
    if (!begun) return fail(begun.error());
    process_ = std::move(*begun);
    owner_.tell(core::report_of::upgrader_began{wishes_.upgrader[0], process_->pid()});
}

/// Somebody who waits is told; where nobody does, a failure means that there is nothing new.
void upgrader::finish(const std::string& failure) {
    auto process = std::exchange(process_, nullptr);
    auto asked = std::exchange(asked_, std::nullopt);
    if (next_) plan_next(core::time_point::clock::now() + wishes_.upgrader_interval);
    if (!failure.empty() && asked) return owner_.tell(core::report_of::upgrade_cancelled{failure});
    if (!failure.empty()) return owner_.log(severity::info, failure + "; no upgrade");
    owner_.tell(core::report_of::upgrader_done{});
    owner_.upgrade(asked.value_or(core::upgrade_mode::rolling));
}

void upgrader::cancel(const std::string& why) {
    if (!process_) return;
    std::exchange(process_, nullptr)->drop();
    if (std::exchange(asked_, std::nullopt)) owner_.tell(core::report_of::upgrade_cancelled{why});
}

bool upgrader::hear(const os::reaped& dead) {
    auto keep = process_;
    return keep && keep->hear(dead);
}

void upgrader::plan_next(core::time_point when) {
    next_ = when;
    timer_.expires_at(when);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) on_turn();
    });
}

void upgrader::on_turn() {
    if (process_) return; // its end plans the next one
    if (owner_.may_run()) return begin();
    plan_next(core::time_point::clock::now() + wishes_.upgrader_interval);
}

} // namespace einhyrningsins::master
