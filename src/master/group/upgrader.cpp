// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/upgrader.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace einhyrningsins::master {
namespace {

using core::severity;

constexpr const char* name = "upgrader";

} // namespace

std::shared_ptr<upgrader> upgrader::make(boost::asio::io_context& context,
                                         const config::group_settings& wishes, owner who) {
    std::shared_ptr<upgrader> made(new upgrader(context, wishes, std::move(who)));
    made->replan();
    return made;
}

std::shared_ptr<upgrader> upgrader::take_over(boost::asio::io_context& context,
                                              const config::group_settings& wishes,
                                              const handoff::upgrader& from, owner who) {
    std::shared_ptr<upgrader> made(new upgrader(context, wishes, std::move(who)));
    made->asked_ = from.asked;
    made->cancelled_ = from.cancelled;
    if (from.process)
        made->process_ =
            helper_process::take_over(context, *from.process, name, made->process_owner());
    else if (from.asked)
        made->begin_soon();
    if (from.next) made->plan_next(*from.next);
    return made;
}

upgrader::upgrader(boost::asio::io_context& context, const config::group_settings& wishes,
                   owner who)
    : context_(context),
      wishes_(wishes),
      owner_(std::move(who)),
      timer_(context) {}

handoff::upgrader upgrader::hand_over() const {
    handoff::upgrader into{.cancelled = cancelled_, .asked = asked_, .next = next_};
    if (process_) into.process = process_->hand_over();
    return into;
}

helper_process::owner upgrader::process_owner() {
    return {[this](const std::string& failure) { finish(failure); },
            [this](severity level, const std::string& text) { owner_.log(level, text); }};
}

void upgrader::request(core::upgrade_mode mode) {
    bool waited_for = std::exchange(asked_, mode).has_value();
    if (process_)
        owner_.log(severity::info, cancelled_
                                       ? "the upgrader will run when the one before has gone"
                                       : "the upgrader is running already; its outcome counts");
    else if (!waited_for)
        begin_soon();
}

void upgrader::begin_soon() {
    boost::asio::post(context_, [weak = weak_from_this()] {
        auto self = weak.lock();
        if (self && self->asked_ && !self->process_) self->begin();
    });
}

void upgrader::begin() {
    auto recipe = owner_.recipe();
    if (!recipe) return fail(recipe.error());
    auto begun = helper_process::start(context_, std::move(*recipe), wishes_.upgrader_timeout, name,
                                       process_owner());
    if (!begun) return fail(begun.error());
    process_ = std::move(*begun);
    owner_.tell(core::report_of::upgrader_began{wishes_.upgrader[0], process_->pid()});
}

void upgrader::fail(const os::os_error& error) {
    finish(std::string(name) + " cannot be run: " + error.message());
}

/// Somebody who waits is told; where nobody does, a failure means that there is nothing new.
void upgrader::finish(const std::string& failure) {
    process_.reset();
    if (next_) plan_next(core::time_point::clock::now() + wishes_.upgrader_interval);
    if (std::exchange(cancelled_, false)) {
        if (asked_) begin_soon(); // since then
        return;
    }
    auto asked = std::exchange(asked_, std::nullopt);
    if (!failure.empty() && asked) return owner_.tell(core::report_of::upgrade_cancelled{failure});
    if (!failure.empty()) return owner_.log(severity::info, failure + "; no upgrade");
    owner_.tell(core::report_of::upgrader_done{});
    owner_.upgrade(asked.value_or(core::upgrade_mode::rolling));
}

void upgrader::cancel(const std::string& why) {
    if (process_ && !std::exchange(cancelled_, true)) process_->end(why);
    if (std::exchange(asked_, std::nullopt)) owner_.tell(core::report_of::upgrade_cancelled{why});
}

bool upgrader::hear(const os::reaped& dead) {
    auto keep = process_;
    return keep && keep->hear(dead);
}

void upgrader::replan() {
    if (wishes_.upgrader_interval <= core::duration::zero()) {
        next_.reset();
        timer_.cancel();
        return;
    }
    auto latest = core::time_point::clock::now() + wishes_.upgrader_interval;
    if (!next_ || *next_ > latest) plan_next(latest);
}

void upgrader::plan_next(core::time_point when) {
    next_ = when;
    timer_.expires_at(when);
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        auto self = weak.lock();
        if (!error && self) self->on_turn();
    });
}

void upgrader::on_turn() {
    if (process_ || !next_) return; // its end plans the next one
    if (owner_.may_run()) return begin();
    plan_next(core::time_point::clock::now() + wishes_.upgrader_interval);
}

} // namespace einhyrningsins::master
