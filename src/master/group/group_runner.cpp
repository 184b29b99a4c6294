// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/group_runner.hpp"

#include "core/signal_name.hpp"
#include "loop/turns.hpp"
#include "master/group/pid_table.hpp"
#include "master/group/worker_recipe.hpp"
#include "master/logging.hpp"
#include "master/start_failure.hpp"
#include "os/credentials.hpp"
#include "os/own_process.hpp"
#include "os/process.hpp"

#include <algorithm>
#include <csignal>
#include <iterator>
#include <variant>

namespace einhyrningsins::master {

using core::severity;
namespace {

/// A state of an earlier version has that of its generations alone.
std::optional<os::identity> identity_of(const handoff::group& from) {
    bool wants_another = !from.settings.user.empty() || !from.settings.group.empty();
    if (from.identity || !wants_another || from.recipes.empty()) return from.identity;
    return from.recipes.back().identity;
}

/// Before a step that failed, for want of memory say, is tried again.
constexpr auto pause_after_failure = std::chrono::milliseconds(100);

} // namespace

group_runner::group_runner(boost::asio::io_context& context, const handoff::group& from,
                           const surroundings& around)
    : context_(context),
      settings_(from.settings),
      listeners_(take_over_listeners(from, *around.files)),
      trouble_(from.trouble),
      configured_(from.configured ? std::make_unique<config::group_settings>(*from.configured)
                                  : nullptr),
      retired_(from.retired),
      around_(around),
      group_(from.state, os::random_seed(), !from.preloads.empty()),
      parts_(context_of_parts()),
      services_(parts_, from),
      spawner_(parts_, services_, from),
      leftovers_(parts_, from.leftovers),
      turn_(context, [this] { step(); }) {
    running_since_ = from.running_since;
    made_from_ = from.made_from;
    identity_ = identity_of(from);
    for (const core::worker& worker : group_.workers())
        if (worker.has_process()) list_worker(worker, from.users);
    if (trouble_.empty()) open_control(from.control ? from.control : handoff::control_socket{});
    services_.open();
    notice_unseen_deaths();
    if (from.starts_when_opened) open_and_start({}, queries());
    schedule();
}

group_runner::~group_runner() { around_.workers->remove_all(*this); }

group_context group_runner::context_of_parts() {
    return {.loop = context_,
            .settings = settings_,
            .around = around_,
            .listeners = listeners_,
            .group = group_,
            .identity = identity_,
            .change_identity =
                [this](std::optional<os::identity> user) { change_identity(std::move(user)); },
            .notice = [this](const core::event_type& what) { notice(what); },
            .tell = [this](const core::report& what) { tell(what); },
            .hear_births = [this] { hear_births(); },
            .wake = [this] { schedule(); }};
}

std::vector<os::any_query> group_runner::queries() const {
    if (trouble_.empty()) return {};
    auto all = queries_of(settings_, around_);
    listener_list none;
    std::ranges::move(master::queries_of(settings_, all_listeners(), none),
                      std::back_inserter(all));
    return all;
}

std::optional<std::string> group_runner::open(const os::look_ups& names) {
    if (trouble_.empty()) return std::nullopt;
    if (auto wrong = check(settings_, around_, names)) return trouble_ = *wrong;
    take_identity(names);
    listener_list none;
    auto opened = open_listeners(settings_, all_listeners(), none, names, *around_.files);
    if (!opened) return trouble_ = opened.error();
    if (auto wrong = open_control(std::nullopt)) return trouble_ = *wrong;
    replace_listeners(std::move(*opened));
    return std::nullopt;
}

std::optional<std::string> group_runner::open_and_start(os::look_ups names,
                                                        std::vector<os::any_query> left) {
    auto begun = around_.look_ups->run(
        [names = std::move(names), left = std::move(left)]() mutable {
            names.add(left);
            return std::move(names);
        },
        [this](const os::result<os::look_ups>& found) {
            starts_when_opened_ = false;
            auto trouble = found ? open(*found) : std::optional(found.error().message());
            if (!trouble) return notice(core::event::start{});
            log(severity::error, settings_.name, *trouble + "; the group is not started");
        });
    if (!begun) return begun.error().message();
    opening_ = std::move(*begun);
    starts_when_opened_ = true;
    return std::nullopt;
}

std::optional<std::string> group_runner::open_control(const control_server::source& from) {
    if (settings_.control_socket.empty() || control_) return std::nullopt;
    try {
        control_ = around_.open_control(settings_, runs_as_another(), from);
    } catch (const start_failure& why) {
        return why.what();
    }
    return std::nullopt;
}

std::vector<os::any_query> group_runner::queries_of(const config::group_settings& wishes,
                                                    const surroundings& around) {
    return {program_query(wishes, around), account_query(wishes)};
}

std::optional<std::string> group_runner::check(const config::group_settings& wishes,
                                               const surroundings& around,
                                               const os::look_ups& names) {
    auto found = names.of(program_query(wishes, around));
    if (!found) return found.error().message();
    auto who = names.of(account_query(wishes));
    if (!who) return who.error().message();
    return std::nullopt;
}

void group_runner::take_identity(const os::look_ups& names) {
    if (auto who = names.of(account_query(settings_))) identity_ = std::move(*who);
}

void group_runner::change_identity(std::optional<os::identity> user) {
    identity_ = std::move(user);
    note_users();
}

/// New workers are not all: those of a generation before are still there, or started once more.
bool group_runner::runs_as_another() const {
    if (master::runs_as_another(identity_) || spawner_.starts_others()) return true;
    const pid_table& all = *around_.workers;
    uid_t own = os::own_user();
    return !all.all_are_of(own) &&
           std::ranges::any_of(group_.workers(), [&](const core::worker& worker) {
               auto known = all.find(worker.pid);
               return known && known.user != own;
           });
}

void group_runner::note_users() {
    bool now = runs_as_another();
    if (std::exchange(ran_as_another_, now) != now) around_.users_changed();
}

/// Workers of older generations are still given those before, which their release has.
void group_runner::replace_listeners(listener_list fresh) {
    for (const shared_listener& each : fresh)
        if (!has(listeners_, each))
            log(severity::info, settings_.name, "listening on " + each->facts.address);
    listeners_ = std::move(fresh);
    trouble_.clear();
}

void group_runner::notice(const core::event_type& what) {
    bool starts = std::holds_alternative<core::event::start>(what) ||
                  std::holds_alternative<core::event::restart>(what);
    if (starts && retired_) return;
    services_.hear(what);
    auto* stop = std::get_if<core::event::stop>(&what);
    if (stop && std::exchange(starts_when_opened_, false)) opening_ = {};
    auto* forward = std::get_if<core::event::forward>(&what);
    if ((stop && stop->signal == SIGKILL) || (forward && forward->signal == SIGKILL))
        leftovers_.kill();
    if (auto* dead = std::get_if<core::event::exited>(&what))
        if (const core::worker* worker = group_.find(dead->id)) {
            if (auto known = around_.workers->find(worker->pid))
                leftovers_.look_after(*worker, known.user);
            around_.workers->remove(worker->pid);
        }
    group_.apply(what, core::time_point::clock::now());
    if (auto* born = std::get_if<core::event::spawned>(&what))
        if (const core::worker* worker = group_.find(born->pid)) list_worker(*worker);
    schedule();
}

/// As whom it was started is on record from here to its end. A worker of an earlier version's state
/// is like the others of its generation; otherwise the system tells who it is now. Nothing is known
/// of one that is gone.
void group_runner::list_worker(const core::worker& worker,
                               const std::map<unsigned, unsigned>& users) {
    auto told = users.find(static_cast<unsigned>(worker.pid));
    auto user = told != users.end() ? told->second : spawner_.user_of(worker.generation);
    if (!user) user = os::user_of(worker.pid);
    if (user) around_.workers->add(worker.pid, *this, *user);
}

std::map<unsigned, unsigned> group_runner::users() const {
    std::map<unsigned, unsigned> all;
    for (const core::worker& worker : group_.workers())
        if (auto known = around_.workers->find(worker.pid)) all.emplace(worker.pid, known.user);
    return all;
}

bool group_runner::has_child(core::process_id pid) const {
    auto has_pid = [&](const helper_process* helper) { return helper->pid() == pid; };
    return spawner_.has_child(pid) || std::ranges::any_of(helpers(), has_pid);
}

bool group_runner::settle() {
    hear_births();
    bool done = step();
    while (done && scheduled_)
        done = step();
    return done;
}

/// What was born meanwhile has consequences.
bool group_runner::settle_for_good() {
    constexpr unsigned most_attempts = 100;
    for (unsigned attempt = 0; attempt < most_attempts; ++attempt) {
        if (!settle()) return false;
        if (!spawner_.end_births()) return true;
    }
    return false;
}

handoff::group group_runner::hand_over() const {
    handoff::group into{.settings = settings_,
                        .configured = configured_ ? std::optional(*configured_) : std::nullopt,
                        .retired = retired_,
                        .trouble = trouble_,
                        .state = group_.state()};
    into.users = users();
    into.made_from = made_from_;
    into.identity = identity_;
    into.starts_when_opened = starts_when_opened_;
    into.listeners = master::hand_over(listeners_);
    into.running_since = running_since_;
    if (control_) into.control = control_->hand_over();
    spawner_.hand_over(into);
    into.leftovers = leftovers_.hand_over();
    services_.hand_over(into);
    return into;
}

/// While another program ran in this process, a wrapper of the next one say, it may have reaped a
/// worker: nobody will ever tell how that ended.
void group_runner::notice_unseen_deaths() {
    std::vector<core::process_id> gone;
    for (core::process_id pid : group_.processes())
        if (!os::process(pid).is_own_child()) gone.push_back(pid);
    for (core::process_id pid : gone)
        notice_death({pid, {}});
}

void group_runner::keep_configured() {
    if (!configured_) configured_ = std::make_unique<config::group_settings>(settings_);
}

void group_runner::change(const config::group_settings& wishes) {
    keep_configured();
    settings_ = wishes;
    services_.open();
    notice(core::event::reconfigure{wishes.policy});
}

void group_runner::resize(unsigned number, std::optional<int> signal) {
    keep_configured();
    settings_.policy.number = number;
    notice(core::event::resize{number, signal});
}

bool group_runner::lacks_control(const config::group_settings& wishes) const {
    const std::string& path = wishes.control_socket;
    return !path.empty() && (!control_ || path != settings_.control_socket);
}

bool group_runner::reconfigure(const config::group_settings& wishes, listener_list listeners,
                               std::unique_ptr<control_server> control, const os::look_ups& names) {
    if (control || wishes.control_socket.empty()) control_ = std::move(control);
    bool comes_back = std::exchange(retired_, false);
    bool is_new = !trouble_.empty();
    settings_ = wishes;
    configured_.reset();
    take_identity(names);
    replace_listeners(std::move(listeners));
    for (const std::string& error : change_options(listeners_, settings_, names))
        log(severity::error, settings_.name, "listener " + error);
    services_.open();
    notice(core::event::reconfigure{wishes.policy});
    if (group_.phase() == core::group_phase::stopped) spawner_.forget_releases();
    if (comes_back) notice(core::event::restart{});
    if (is_new) notice(core::event::open{});
    return !comes_back && !is_new && group_.can_upgrade();
}

/// After an upgrade that was aborted the old generation is the current one again.
bool group_runner::is_behind() const {
    core::generation now = group_.current().generation;
    return now != 0 && now < made_from_;
}

listener_list group_runner::all_listeners() const {
    listener_list all = listeners_;
    std::ranges::move(spawner_.old_listeners(), std::back_inserter(all));
    return all;
}

listener_list group_runner::listeners_in_service() const {
    core::generation number =
        group_.upgrade() ? group_.upgrade()->previous.generation : group_.current().generation;
    shared_release made = spawner_.release_of(number);
    return made ? made->listeners : listeners_;
}

void group_runner::retire() {
    retired_ = true;
    notice(core::event::stop{group_.wishes().stop_signal});
}

bool group_runner::is_gone() const {
    return retired_ && group_.phase() == core::group_phase::stopped && helpers().empty() &&
           leftovers_.empty();
}

void group_runner::schedule() {
    if (scheduled_) return;
    turn_.soon();
    scheduled_ = true;
}

/// Each part is done whether or not another one fails: no action is lost, and the group is looked
/// at again when it is due.
bool group_runner::step() {
    scheduled_ = false;
    bool failed = !answer_failures();
    failed |= attempt([this] {
                  core::time_point now = loop::turns::of(context_).heard_until();
                  look_for_life(now);
                  if (unanswered_.empty()) carry_out(group_.reconcile(now));
              }).has_value();
    failed |= !unanswered_.empty();
    if (attempt([this] { tend(); })) failed = true;
    if (failed)
        turn_.after(pause_after_failure);
    else
        set_turn();
    if (settled_ && !scheduled_) settled_();
    return !failed;
}

std::optional<std::string> group_runner::attempt(const std::function<void()>& deed) const {
    return master::attempt(settings_.name, deed);
}

/// Before anybody is judged for having shown none.
void group_runner::look_for_life(core::time_point now) {
    for (const live_check::sign& sign : services_.signs_of_life(now))
        group_.apply(core::event::touched{sign.worker}, sign.at);
}

void group_runner::tend() {
    spawner_.tend();
    note_users();
    services_.tend();
}

/// Performs all actions. Of those that have to be answered a failure is the answer; what could not
/// even be answered, for want of memory, is left for answer_failures().
void group_runner::carry_out(std::vector<core::action_type> actions) {
    std::erase_if(actions, [this](const core::action_type& action) {
        auto failure =
            attempt([&] { std::visit([this](const auto& known) { perform(known); }, action); });
        return !failure || answer_failure(action, *failure);
    });
    unanswered_ = std::move(actions);
}

/// Returns whether that was possible.
bool group_runner::answer_failure(const core::action_type& action, const std::string& reason) {
    return !attempt([&] {
        std::visit([&](const auto& known) { tell_core_of_failure(known, reason); }, action);
    });
}

/// Returns whether all that could not be answered so far is answered now.
bool group_runner::answer_failures() {
    std::erase_if(unanswered_, [this](const core::action_type& action) {
        return answer_failure(action, "there was no memory");
    });
    return unanswered_.empty();
}

/// As scarcity: it is not the program's fault, and another attempt may do.
void group_runner::tell_core_of_failure(const core::action::spawn& action,
                                        const std::string& reason) {
    notice(core::event::spawn_failed{action.id, reason, true});
}

void group_runner::tell_core_of_failure(const core::action::run_stop_command&, const std::string&) {
    notice(core::event::stop_command_failed{});
}

void group_runner::notice_death(const os::reaped& dead) {
    notice(core::event::exited{group_.id_of(dead.pid), dead.cause});
}

void group_runner::notice_stray(const os::reaped& dead) {
    leftovers_.look_again();
    if (services_.hear_death(dead)) return schedule();
    spawner_.notice_death(dead);
}

void group_runner::perform(const core::action::begin_generation& what) {
    services_.begin_generation();
    spawner_.begin(what.number);
}

void group_runner::perform(const core::action::spawn& what) { spawner_.spawn(what); }

void group_runner::perform(const core::action::run_stop_command&) { services_.run_stop_command(); }

/// A worker that is stopped obeys as well: SIGCONT follows what tells it to go.
void group_runner::perform(const core::action::signal& action) {
    const core::worker* target = group_.find(action.id);
    if (!target || !target->has_process()) return;
    core::process_id pid = target->pid;
    bool kills = action.number == SIGKILL;
    if (kills) leftovers_.note_killed(pid);
    bool is_for_group =
        kills || (action.dismissal && settings_.signal_scope == config::signal_scope::group);
    auto send = [&](int number) {
        os::process worker(pid);
        return is_for_group ? worker.signal_group(number) : worker.signal(number);
    };
    auto sent = send(action.number);
    if (sent && action.dismissal && !kills) sent = send(SIGCONT);
    if (!sent && sent.error().number != ESRCH)
        log(severity::error, settings_.name,
            core::signal_name(action.number) + " to worker " + std::to_string(pid) + ": " +
                sent.error().message());
}

void group_runner::send_to_all(int signal) {
    for (const core::worker& worker : group_.workers())
        perform(core::action::signal{worker.id, signal, true});
}

void group_runner::perform(const core::action::tell& what) { tell(what.what); }

void group_runner::note_running(const core::report& what) {
    if (std::holds_alternative<core::report_of::worker_started>(what) && !running_since_)
        running_since_ = core::time_point::clock::now();
    if (std::holds_alternative<core::report_of::worker_died>(what) && group_.workers().empty())
        running_since_.reset();
}

void group_runner::tell(const core::report& what) {
    log(settings_.name, what);
    note_running(what);
    observers_.tell(settings_.name, what);
}

void group_runner::set_turn() {
    if (scheduled_) return;
    auto deadline = group_.next_deadline();
    if (!deadline) return turn_.cancel();
    if (*deadline <= loop::turns::of(context_).heard_until()) return schedule();
    turn_.at(*deadline);
}

} // namespace einhyrningsins::master
