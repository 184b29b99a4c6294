// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group_runner.hpp"

#include "config/option.hpp"
#include "config/worker_environment.hpp"
#include "master/access.hpp"
#include "master/logging.hpp"
#include "master/start_failure.hpp"
#include "os/exec.hpp"
#include "os/process.hpp"
#include "os/signals.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <csignal>
#include <random>
#include <variant>

namespace einhyrningsins::master {

namespace {

using core::severity;

std::optional<handoff::identity> hand_over_identity(const std::optional<os::identity>& one) {
    if (!one) return std::nullopt;
    return handoff::identity{one->user, one->group, {one->groups.begin(), one->groups.end()}};
}

std::optional<os::identity> identity_from(const std::optional<handoff::identity>& from) {
    if (!from) return std::nullopt;
    return os::identity{from->user, from->group, {from->groups.begin(), from->groups.end()}};
}

handoff::recipe hand_over_recipe(core::generation number, const os::spawn_plan& plan) {
    const os::spawn_recipe& one = plan.recipe();
    return {.generation = number,
            .program = one.program,
            .arguments = one.arguments,
            .environment = plan.environment(),
            .directory = one.directory->get(),
            .nice = one.nice,
            .die_with_parent = one.die_with_parent,
            .descriptors = one.descriptors,
            .identity = hand_over_identity(one.identity),
            .indexed_entry = one.indexed_entry};
}

/// Where its program is looked for: in the PATH that its workers get.
std::string search_path_of(const config::group_settings& wishes, const surroundings& around) {
    for (auto own = wishes.environment.rbegin(); own != wishes.environment.rend(); ++own)
        if (own->starts_with("PATH=")) return own->substr(5);
    return search_path(around.environment);
}

} // namespace

std::optional<std::string> change_options(const std::vector<group_runner*>& groups,
                                          const option_changes& changes) {
    std::vector<config::group_settings> changed;
    for (const group_runner* runner : groups) {
        changed.push_back(runner->settings());
        for (const auto& [name, values] : changes)
            if (auto wrong = config::change_at_run_time(changed.back(), name, values)) return wrong;
    }
    for (std::size_t i = 0; i < groups.size(); ++i)
        groups[i]->change(changed[i]);
    return std::nullopt;
}

std::string search_path(const std::vector<std::string>& environment) {
    for (const std::string& entry : environment)
        if (entry.starts_with("PATH=")) return entry.substr(5);
    return "/bin:/usr/bin"; // as execvp(3) has it
}

std::string control_path(const config::group_settings& wishes, const surroundings& around) {
    const std::string& path = wishes.control_socket;
    return path.empty() ? path : os::absolute_path(path, around.working_directory);
}

std::string directory_of(const config::group_settings& wishes, const surroundings& around) {
    if (wishes.working_directory.empty()) return around.working_directory;
    return os::absolute_path(wishes.working_directory, around.working_directory);
}

group_runner::group_runner(boost::asio::io_context& context, config::group_settings wishes,
                           const surroundings& around)
    : context_(context),
      settings_(std::move(wishes)),
      trouble_("it has not been opened"),
      around_(around),
      group_(settings_.policy, std::random_device()()),
      timer_(context) {
    open_services();
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
      timer_(context) {
    running_since_ = from.running_since;
    if (trouble_.empty())
        if (auto trouble = open_control(from.control))
            log(severity::error, settings_.name, *trouble + "; going on without");
    for (const handoff::recipe& one : from.recipes)
        take_over(one);
    for (const handoff::preload& one : from.preloads)
        take_over(one);
    take_over_services(from);
    open_services();
    notice_unseen_deaths();
    schedule();
}

group_runner::~group_runner() = default;

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
    end_services(what);
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
    listeners_.hand_over(into);
    into.running_since = running_since_;
    if (control_) into.control = control_->hand_over();
    for (const auto& [number, plan] : plans_)
        if (plan) into.recipes.push_back(hand_over_recipe(number, *plan));
    hand_over_services(into);
    for (const auto& [number, one] : preloads_)
        if (auto state = one->hand_over(number)) into.preloads.push_back(std::move(*state));
    return into;
}

void group_runner::take_over(const handoff::recipe& from) {
    os::spawn_recipe recipe{.program = from.program,
                            .arguments = from.arguments,
                            .environment = from.environment,
                            .directory = os::adopt_directory(from.directory),
                            .descriptors = from.descriptors,
                            .nice = from.nice,
                            .die_with_parent = from.die_with_parent,
                            .identity = identity_from(from.identity),
                            .indexed_entry = from.indexed_entry};
    // A state of an older program has none, and what was closed on the way may have other numbers.
    if (recipe.descriptors.empty() || !listeners_.has(recipe.descriptors))
        recipe.descriptors = listeners_.descriptors();
    if (!recipe.directory) {
        auto directory = os::open_directory(directory_of(settings_, around_));
        if (!directory) return;
        recipe.directory = std::move(*directory);
    }
    plans_.insert_or_assign(from.generation, os::spawn_plan::make(std::move(recipe)));
}

/// Without the socket to it the template process is of no use: it is as good as dead.
void group_runner::take_over(const handoff::preload& from) {
    if (from.fd >= 0) {
        preloads_.insert_or_assign(
            from.generation,
            preload::take_over(context_, from, settings_.command_socket_as_fd, preload_owner()));
        return;
    }
    if (os::is_own_child(from.pid)) os::send_signal(from.pid, SIGKILL);
    std::vector<core::action::spawn> left;
    for (const auto& wishes : {from.asked, from.waits})
        for (const handoff::birth_wish& one : wishes)
            left.push_back({one.id, one.index, from.generation});
    // Not now: workers may need what the master is only about to take over.
    boost::asio::post(context_, [this, alive = std::weak_ptr(alive_), left = std::move(left)] {
        if (alive.expired()) return;
        for (const core::action::spawn& wish : left)
            execute(wish);
    });
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
    open_services();
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
    open_notify_socket();
    notice(core::event::reconfigure{wishes.policy});
    if (group_.phase() == core::group_phase::stopped) plans_.clear();
    forget_old_listeners();
    if (comes_back) notice(core::event::restart{});
    if (is_new) notice(core::event::open{});
    return !comes_back && !is_new && group_.phase() == core::group_phase::running;
}

void group_runner::retire() {
    retired_ = true;
    notice(core::event::stop{group_.wishes().stop_signal});
}

bool group_runner::is_gone() const {
    return retired_ && group_.phase() == core::group_phase::stopped && !has_helpers();
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
    forget_plans();
    tend_preloads();
    tend_demand();
    tend_stop_command();
    arm_timer();
    if (settled_ && !scheduled_) settled_();
}

void group_runner::perform(const core::action::begin_generation& what) {
    plans_.insert_or_assign(what.number, make_plan(what.number));
    follow_program();
    begin_preload(what.number);
}

preload::owner group_runner::preload_owner() {
    return {[this](birth what) { take(std::move(what)); },
            [this](const core::action::spawn& what) { execute(what); },
            [this] { return around_.logs->open(settings_); },
            [this](severity level, const std::string& text) { log(level, settings_.name, text); }};
}

/// A generation whose object cannot be loaded goes on without.
void group_runner::begin_preload(core::generation number) {
    if (settings_.preload.empty()) return;
    preload::owner us = preload_owner();
    auto fail = [&](const std::string& reason) {
        us.log(severity::warning,
               "--preload " + settings_.preload + ": " + reason + "; going on without preloading");
    };
    if (auto reason = why_not_preloadable(settings_.preload); !reason.empty()) return fail(reason);
    auto recipe = make_recipe(number);
    if (!recipe) return fail(recipe.error().message());
    auto begun = preload::start(context_, std::move(*recipe), settings_.preload,
                                settings_.command_socket_as_fd, us);
    if (!begun) return fail(begun.error().message());
    log(severity::debug, settings_.name,
        "template process " + std::to_string((*begun)->pid()) + " of generation " +
            std::to_string(number) + " loads " + settings_.preload);
    preloads_.insert_or_assign(number, std::move(*begun));
}

/// Takes back what the core has changed its mind about while an object is loading, and ends
/// templates that nobody will ask any more.
void group_runner::tend_preloads() {
    auto unwanted = [&](const core::action::spawn& wish) {
        auto who = std::ranges::find(group_.workers(), wish.id, &core::worker::id);
        return who == group_.workers().end() || !who->active();
    };
    for (const auto& [number, one] : preloads_)
        one->withdraw(unwanted);
    bool runs = group_.phase() == core::group_phase::running;
    std::erase_if(preloads_, [&](const auto& known) {
        return known.second->is_idle() && !(runs && group_.needs(known.first));
    });
}

void group_runner::hear_births() {
    for (const auto& [number, one] : preloads_)
        one->hear();
}

void group_runner::notice_stray(const os::reaped& dead) {
    auto command = stop_command_;
    if ((upgrader_ && upgrader_->hear(dead)) || (command && command->hear(dead))) return schedule();
    for (const auto& [number, one] : preloads_)
        one->notice_death(dead);
}

/// Of generations that no worker will be started in any more.
void group_runner::forget_plans() {
    if (plans_.size() < 2) return;
    std::erase_if(plans_, [&](const auto& known) { return !group_.needs(known.first); });
    if (listeners_.has_old()) forget_old_listeners();
}

/// Workers of a generation that is still needed are to get what those before them got.
void group_runner::forget_old_listeners() {
    std::vector<int> in_use;
    for (const auto& [number, plan] : plans_)
        if (plan) std::ranges::copy(plan->recipe().descriptors, std::back_inserter(in_use));
    listeners_.forget_old(in_use);
}

void group_runner::perform(const core::action::spawn& what) {
    if (live_check_)
        if (auto made = live_check_->prepare(what.index, identity_of(what.generation)); !made)
            return notice(core::event::spawn_failed{what.id, made.error().message(),
                                                    os::is_scarcity(made.error().number)});
    auto preloaded = preloads_.find(what.generation);
    if (preloaded != preloads_.end()) return preloaded->second->ask(what);
    execute(what);
}

/// A birth out of a template process.
void group_runner::take(birth what) {
    if (!what.pid) {
        const os::os_error& error = what.pid.error();
        return notice(core::event::spawn_failed{what.wish.id, error.message(),
                                                os::is_scarcity(error.number)});
    }
    notice(core::event::spawned{what.wish.id, *what.pid});
    if (what.control)
        around_.adopt(std::move(what.control),
                      os::peer_of_child(*what.pid, identity_of(what.wish.generation)));
    if (what.death) notice(core::event::exited{*what.pid, *what.death});
}

void group_runner::execute(const core::action::spawn& what) {
    os::socket_pair control;
    core::event_type answer = spawn(what, control);
    notice(answer);
    // Not before the core knows the pid: the worker's ack may be waiting there already.
    auto* born = std::get_if<core::event::spawned>(&answer);
    if (born && control.ours)
        around_.adopt(std::move(control.ours),
                      os::peer_of_child(born->pid, identity_of(what.generation)));
}

/// Whom the workers of a generation run as.
const std::optional<os::identity>& group_runner::identity_of(core::generation number) const {
    static const std::optional<os::identity> own;
    auto known = plans_.find(number);
    return known == plans_.end() || !known->second ? own : known->second->recipe().identity;
}

/// The answer to the core. Scarcity is not the program's fault, and is told apart.
core::event_type group_runner::spawn(const core::action::spawn& what, os::socket_pair& control) {
    auto failed = [&](const os::os_error& error) {
        return core::event::spawn_failed{what.id, error.message(), os::is_scarcity(error.number)};
    };
    // What was missing may be there now.
    auto known = plans_.find(what.generation);
    if (known == plans_.end() || !known->second)
        known = plans_.insert_or_assign(what.generation, make_plan(what.generation)).first;
    plan_result& plan = known->second;
    if (!plan) return failed(plan.error());
    if (settings_.command_socket_as_fd) {
        auto pair = os::make_socket_pair();
        if (!pair) return failed(pair.error());
        control = std::move(*pair);
    }
    auto output = around_.logs->open(settings_);
    if (!output) return failed(output.error());
    auto pid = plan->spawn(what.index, control.theirs.get(), output->descriptors());
    if (!pid) return failed(pid.error());
    return core::event::spawned{what.id, *pid};
}

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

os::result<std::string> group_runner::find_program(const config::group_settings& wishes,
                                                   const surroundings& around) {
    return os::find_program(wishes.command[0], search_path_of(wishes, around),
                            directory_of(wishes, around));
}

os::result<os::spawn_recipe> group_runner::make_recipe(core::generation number) const {
    auto recipe = make_recipe(number, settings_);
    if (!recipe || !live_check_) return recipe;
    recipe->indexed_entry = live_check_->entry(settings_.variable_prefix);
    recipe->environment.push_back(recipe->indexed_entry);
    return recipe;
}

os::result<os::spawn_recipe> group_runner::make_recipe(core::generation number,
                                                       const config::group_settings& wishes) const {
    auto directory = os::open_directory(directory_of(wishes, around_));
    if (!directory) return directory.error();
    auto program = find_program(wishes, around_);
    if (!program) return program.error();
    auto who = os::find_identity(settings_.user, settings_.group);
    if (!who) return who.error();
    os::spawn_recipe recipe{.program = std::move(*program),
                            .arguments = wishes.command,
                            .environment = make_environment(number),
                            .directory = std::move(*directory),
                            .descriptors = listeners_.descriptors(),
                            .nice = settings_.worker_nice,
                            .die_with_parent = settings_.kill_children_on_exit,
                            .identity = std::move(*who)};
    return recipe;
}

group_runner::plan_result group_runner::make_plan(core::generation number) const {
    auto recipe = make_recipe(number);
    if (!recipe) return recipe.error();
    return os::spawn_plan::make(std::move(*recipe));
}

std::vector<std::string> group_runner::make_environment(core::generation number) const {
    config::environment_facts facts{.inherited = around_.environment,
                                    .master_pid = around_.master_pid,
                                    .socket_path = around_.socket_path,
                                    .group_name = settings_.name,
                                    .socket_as_fd = settings_.command_socket_as_fd,
                                    .generation = number};
    facts.server_words = settings_.server_words;
    facts.added = settings_.environment;
    facts.variable_prefix = settings_.variable_prefix;
    facts.group_socket_path = control_path(settings_, around_);
    if (number >= settings_.drops_since) facts.dropped = settings_.drop_variables;
    for (const auto& one : listeners())
        facts.listeners.push_back({one->open.family, one->open.name, one->open.server_starter_key});
    bool by_message = std::holds_alternative<core::ack_notify>(settings_.policy.ack);
    if (by_message && notify_) facts.notify_address = notify_->address();
    return config::worker_environment(facts);
}

/// Opened when it is needed first, and kept: workers of other generations may know its address.
void group_runner::open_notify_socket() {
    if (notify_ || !std::holds_alternative<core::ack_notify>(settings_.policy.ack)) return;
    auto opened = notify_watch::open(
        context_, [this](const std::vector<pid_t>& senders) { take_notifications(senders); });
    if (!opened) return log(severity::error, settings_.name, opened.error().message());
    notify_ = std::move(*opened);
}

void group_runner::take_notifications(const std::vector<pid_t>& senders) {
    hear_births();
    for (core::process_id sender : senders) {
        if (auto who = worker_above(*this, sender))
            notice(core::event::acked{*who});
        else
            log(severity::warning, settings_.name,
                "ignored READY=1 of process " + std::to_string(sender) + ", which is no worker");
    }
}

} // namespace einhyrningsins::master
