// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/reload.hpp"

#include "master/commands/audience.hpp"
#include "master/group/group_runner.hpp"
#include "master/logging.hpp"
#include "os/exec.hpp"
#include "os/process.hpp"

#include <boost/algorithm/string/replace.hpp>

#include <csignal>
#include <utility>
#include <variant>

namespace einhyrningsins::master {
namespace {

using core::severity;

/// SPEC 7.5
constexpr auto longest_trial = std::chrono::seconds(10);

os::result<os::spawn_plan> plan_trial(const reload::command& command, std::string program) {
    auto directory = os::open_directory(command.directory);
    if (!directory) return directory.error();
    os::spawn_recipe recipe{{.program = std::move(program),
                             .arguments = command.program,
                             .environment = command.environment},
                            std::move(*directory)};
    // The first descriptor of a worker that has no listeners.
    recipe.arguments.insert(recipe.arguments.end(), {"--upgrade-check", "--with-state-fd", "3"});
    recipe.arguments.insert(recipe.arguments.end(), command.arguments.begin(),
                            command.arguments.end());
    return os::spawn_plan::make(std::move(recipe));
}

} // namespace

reload::reload(boost::asio::io_context& context, snapshot take, execution execute, settling settle)
    : take_(std::move(take)),
      execute_(std::move(execute)),
      settle_(std::move(settle)),
      alarm_(context, [this] { carry_out(machine_.tick()); }),
      limit_(
          context, [this] { carry_out(machine_.overdue(trial_.number, time_is_over())); },
          loop::alarm::purpose::limit) {}

void reload::request(const command& call, handoff::request asked,
                     std::shared_ptr<control_connection> client) {
    auto hold = client ? client->hold_open() : nullptr;
    if (machine_.now() == machine::reload::phase::idle) command_ = call;
    waiters_.push_back({std::move(asked), std::move(client), std::move(hold)});
    machine_.request();
    set_alarm();
}

void reload::cancel(const std::string& why) { carry_out(machine_.cancel(why)); }

bool reload::hear(const os::reaped& child) {
    if (!is_trial(child.pid)) return false;
    trial_.pid = 0;
    limit_.cancel();
    machine_.ended(trial_.number, verdict(child.cause));
    set_alarm();
    return true;
}

/// An action that throws, for want of memory say, has failed.
void reload::carry_out(const machine::reload::actions& actions) {
    for (const auto& action : actions) {
        auto failure = attempt("", [&] {
            std::visit([this](const auto& alternative) { perform(alternative); }, action);
        });
        if (failure) carry_out(machine_.failed(*failure));
    }
    set_alarm();
}

void reload::set_alarm() {
    if (machine_.has_work())
        alarm_.soon();
    else
        alarm_.cancel();
}

void reload::perform(const machine::reload_action::settle&) {
    settle_([this](const os::result<void>& settled) {
        carry_out(machine_.settled(settled ? "" : settled.error().message()));
    });
}

/// Has a limit before it has a process: what fails afterwards leaves none without.
void reload::perform(const machine::reload_action::begin_trial& action) {
    trial_.number = action.trial;
    limit_.after(longest_trial);
    auto started = start_trial();
    if (!started) return carry_out(machine_.failed(started.error().message()));
    log(severity::info, "",
        "reload: trial run of " + command_.program[0] + ", process " + std::to_string(trial_.pid));
}

os::result<void> reload::start_trial() {
    auto program = os::pinned_program::find(command_.program[0], search_path(command_.environment),
                                            command_.directory);
    if (!program) return program.error();
    trial_.program = std::move(*program);
    auto path = trial_.program->to_execute();
    if (!path) return path.error();
    auto plan = plan_trial(command_, *path);
    if (!plan) return plan.error();
    auto state = take_();
    if (!state) return state.error();
    auto child = plan->spawn(0, state->get()); // as this process runs: its program runs already
    if (!child) return os::os_error{in_words(child.error(), *path)};
    trial_.pid = child->pid();
    trial_.state = std::move(*state);
    return {};
}

/// What is wrong with a trial run that has ended; empty: nothing. An exit code of 0 alone proves
/// nothing: einhorn (Ruby) has it for --upgrade-check without a look at the state.
std::string reload::verdict(const core::exit_cause& end) const {
    std::string subject = "the trial run of " + command_.program[0];
    if (end != core::exit_cause{core::exit_cause::kind_type::exited, 0})
        return subject + " ended with " + to_string(end);
    if (!os::is_read_to_end(trial_.state.get()))
        return subject + " has not read the state, descriptor 3, to its end";
    return {};
}

std::string reload::time_is_over() const {
    return "the trial run of " + command_.program[0] + " did not end within " +
           core::to_string(core::duration(longest_trial));
}

void reload::perform(const machine::reload_action::kill&) {
    os::process(trial_.pid).signal_group(SIGKILL);
}

void reload::perform(const machine::reload_action::announce&) {
    log(severity::info, "", "reload: executing " + command_.program[0]);
}

void reload::perform(const machine::reload_action::execute&) {
    carry_out(machine_.failed(execute().message()));
}

/// What is still wanted: an upgrade is, though the client that requested it has gone.
std::optional<handoff::request> reload::request_of(const waiter& asker) {
    handoff::request asked = asker.asked;
    if (!asker.client || asker.client->is_open()) return asked;
    if (!asked.upgrade) return std::nullopt;
    asked.fd = -1;
    return asked;
}

std::vector<handoff::request> reload::requests() const {
    std::vector<handoff::request> all;
    for (const waiter& each : waiters_)
        if (auto asked = request_of(each)) all.push_back(std::move(*asked));
    return all;
}

/// Returns if it fails.
os::os_error reload::execute() {
    auto path = trial_.program->to_execute();
    if (!path) return path.error();
    return os::os_error{in_words(execute_(command_, *path), *path)};
}

/// Names the program as the user does.
std::string reload::in_words(const os::os_error& why, const std::string& executed) const {
    return boost::algorithm::replace_all_copy(why.message(), executed, command_.program[0]);
}

void reload::perform(const machine::reload_action::refuse& action) {
    limit_.cancel();
    trial_ = {};
    std::string text = "Reload failed: " + action.why + "; this program goes on as it is";
    log(severity::error, "", text);
    for (const waiter& each : std::exchange(waiters_, {}))
        if (each.client) tell_failure(each, text);
}

void reload::tell_failure(const waiter& refused, const std::string& text) {
    const protocol::dialect& spoken = protocol::dialect_of(refused.asked.dialect);
    tell({*refused.client, refused.asked.id, spoken}, spoken.failure(text));
}

} // namespace einhyrningsins::master
