// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/reload.hpp"

#include "master/commands/reply_line.hpp"
#include "master/group/group_runner.hpp"
#include "master/logging.hpp"
#include "os/signals.hpp"
#include "protocol/reply.hpp"

#include <boost/asio/post.hpp>

#include <csignal>
#include <utility>

namespace einhyrningsins::master {
namespace {

using core::severity;

/// SPEC 7.5
constexpr auto longest_trial = std::chrono::seconds(10);

os::result<os::spawn_plan> plan_trial(const reload::command& what) {
    auto directory = os::open_directory(what.directory);
    if (!directory) return directory.error();
    auto program =
        os::find_program(what.program[0], search_path(what.environment), (*directory)->get());
    if (!program) return program.error();
    os::spawn_recipe recipe{.program = std::move(*program),
                            .arguments = what.program,
                            .environment = what.environment,
                            .directory = std::move(*directory)};
    // The first descriptor of a worker that has no listeners.
    recipe.arguments.insert(recipe.arguments.end(), {"--upgrade-check", "--with-state-fd", "3"});
    recipe.arguments.insert(recipe.arguments.end(), what.arguments.begin(), what.arguments.end());
    return os::spawn_plan::make(std::move(recipe));
}

} // namespace

reload::reload(boost::asio::io_context& context, snapshot take, execution execute)
    : take_(std::move(take)),
      execute_(std::move(execute)),
      context_(context),
      timer_(context) {}

void reload::request(const command& what, handoff::wish wish,
                     std::shared_ptr<control_connection> client) {
    auto hold = client ? client->hold_open() : nullptr;
    waiters_.push_back({std::move(wish), std::move(client), std::move(hold)});
    if (std::exchange(under_way_, true)) return;
    what_ = what;
    boost::asio::post(context_, [this] {
        if (under_way_) start_trial();
    });
}

void reload::start_trial() {
    auto plan = plan_trial(what_);
    if (!plan) return fail(plan.error().message());
    auto state = take_();
    if (!state) return fail(state.error().message());
    auto pid = plan->spawn(0, state->get());
    if (!pid) return fail(pid.error().message());
    trial_ = *pid;
    log(severity::info, "",
        "reload: trial run of " + what_.program[0] + ", process " + std::to_string(trial_));
    timer_.expires_after(longest_trial);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) on_timeout();
    });
}

void reload::on_timeout() {
    os::send_signal(-trial_, SIGKILL);
    fail("the trial run of " + what_.program[0] + " did not end within " +
         core::to_string(core::duration(longest_trial)));
}

/// Nothing follows from it before all deaths that were reaped with it are noticed: what this
/// process knows and has not told is lost by an exec.
bool reload::hear(const os::reaped& child) {
    if (trial_ == 0 || child.pid != trial_) return false;
    trial_ = 0;
    timer_.cancel();
    boost::asio::post(context_, [this, cause = child.cause] {
        if (under_way_) decide(cause);
    });
    return true;
}

void reload::decide(const core::exit_cause& trial) {
    if (trial == core::exit_cause{core::exit_cause::kind_type::exited, 0})
        go();
    else
        fail("the trial run of " + what_.program[0] + " ended with " + to_string(trial));
}

void reload::go() {
    std::vector<handoff::wish> wishes;
    for (const waiter& one : waiters_)
        if (!one.client || one.client->is_open()) wishes.push_back(one.wish);
    log(severity::info, "", "reload: executing " + what_.program[0]);
    fail(execute_(std::move(wishes)).message());
}

void reload::cancel(const std::string& why) {
    if (!under_way_) return;
    timer_.cancel();
    if (trial_ != 0) os::send_signal(-trial_, SIGKILL);
    fail(why);
}

void reload::fail(const std::string& why) {
    under_way_ = false;
    trial_ = 0;
    std::string text = "Reload failed: " + why + "; this program goes on as it is";
    log(severity::error, "", text);
    for (const waiter& one : std::exchange(waiters_, {}))
        if (one.client) tell_failure(one, text);
}

void reload::tell_failure(const waiter& one, const std::string& text) {
    protocol::reply answer{.message = text, .ok = false};
    if (one.wish.einhorn) answer.message = "ERROR: " + text; // where there is no `ok`
    auto form = protocol::dialect_for(one.wish.einhorn, one.wish.firestarter);
    one.client->send(reply_line(answer, one.wish.id, form));
    if (one.wish.firestarter) one.client->close();
}

} // namespace einhyrningsins::master
