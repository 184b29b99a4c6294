// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/spawner.hpp"

#include "core/event.hpp"
#include "machine/descriptor_shares.hpp"
#include "master/group/group_services.hpp"
#include "os/credentials.hpp"
#include "os/low_numbers.hpp"
#include "os/own_process.hpp"
#include "os/process.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <variant>

namespace einhyrningsins::master {
namespace {

using core::severity;

/// How long a worker may take to execute its program, unless it has to ack within a shorter or
/// longer time.
constexpr core::duration long_birth = std::chrono::seconds(10);

/// Whether one of the template processes is to make that worker.
bool is_ordered(const std::vector<handoff::preload>& from, core::worker_id id) {
    auto has_it = [&](const std::vector<handoff::birth_wish>& orders) {
        return std::ranges::find(orders, id, &handoff::birth_wish::id) != orders.end();
    };
    return std::ranges::any_of(
        from, [&](const auto& each) { return has_it(each.asked) || has_it(each.waits); });
}

/// The answer to the core. Scarcity is not the program's fault, and is told apart.
core::event::spawn_failed failure(const core::action::spawn& what, const os::os_error& error) {
    return {what.id, error.message(), os::is_scarcity(error.number)};
}

} // namespace

spawner::spawner(const group_context& of, group_services& services, const handoff::group& from)
    : of_(of),
      services_(services),
      releases_(of, services, from),
      newborns_(of.loop, [this](birth what) { take(std::move(what)); }) {
    for (const handoff::preload& each : from.preloads)
        preloads_.emplace(each.generation,
                          std::make_shared<preload>(
                              of.loop, os::template_process(each.pid, os::unique_fd(each.fd)), each,
                              of.settings.command_socket_as_fd, preload_owner(each.generation)));
}

void spawner::begin(core::generation number) {
    const releases::entry& made = releases_.begin(number);
    if (!of_.settings.preload.empty()) begin_preload(number, made);
}

/// Its pipes must not take the last descriptors: it has to be heard.
void spawner::spawn(const core::action::spawn& what) {
    if (!machine::may_start(os::free_descriptors()))
        return of_.notice(failure(what, {"descriptors", EMFILE}));
    releases_.of(what.generation); // whose user the worker's files are for
    if (auto user = user_of(what.generation))
        if (auto prepared = services_.prepare_worker(what.index, *user); !prepared)
            return of_.notice(failure(what, prepared.error()));
    auto preloaded = preloads_.find(what.generation);
    if (preloaded != preloads_.end()) return preloaded->second->ask(what);
    execute(what);
}

void spawner::execute(const core::action::spawn& what) {
    os::socket_pair control;
    auto child = start(what, control);
    if (!child) return of_.notice(failure(what, child.error()));
    if (child->report() >= 0)
        newborns_.add(what, std::move(*child), std::move(control.ours), birth_deadline());
    else
        take({what, child->pid(), std::move(control.ours), {}});
}

os::result<os::birth> spawner::start(const core::action::spawn& what, os::socket_pair& control) {
    const releases::entry& made = releases_.of(what.generation);
    if (!made) return made.error();
    if (of_.settings.command_socket_as_fd) {
        auto pair = os::make_socket_pair();
        if (!pair) return pair.error();
        control = std::move(*pair);
    }
    auto output = open_output(what.id, what.generation);
    if (!output) return output.error();
    return (*made)->plan.spawn(what.index, control.theirs.get(), output->descriptors());
}

/// `worker`: 0 is the template process of the generation.
os::result<worker_output> spawner::open_output(core::worker_id worker, core::generation number) {
    auto is_alive = [this](const model::stream_owner& owner) {
        return owner.worker == 0 ? preloads_.contains(core::generation(owner.generation))
                                 : of_.group.find(core::worker_id(owner.worker)) != nullptr;
    };
    shared_release made = releases_.find(number);
    return of_.around.logs->open(of_.settings,
                                 {of_.settings.name, static_cast<std::uint64_t>(worker), number},
                                 made ? made->plan.recipe().identity : std::nullopt, is_alive);
}

/// A worker that has to ack by a message has as long to execute its program as it has for that.
core::time_point spawner::birth_deadline() const {
    const core::ack_policy& ack = of_.settings.policy.ack;
    core::duration limit{};
    if (auto* manual = std::get_if<core::ack_manual>(&ack)) limit = manual->timeout;
    if (auto* notify = std::get_if<core::ack_notify>(&ack)) limit = notify->timeout;
    return core::time_point::clock::now() + (limit > core::duration::zero() ? limit : long_birth);
}

/// Serves the control socket that the worker was given, if it was given one.
void spawner::adopt(os::unique_fd control, core::process_id pid, core::generation number) const {
    shared_release made = releases_.find(number);
    if (control && made)
        of_.around.adopt(std::move(control), os::peer_of_child(pid, made->plan.recipe().identity));
}

void spawner::take(birth what) {
    if (!what.pid) {
        auto failed = failure(what.wish, what.pid.error());
        failed.scarce = failed.scarce || what.scarce;
        return of_.notice(failed);
    }
    of_.notice(core::event::spawned{what.wish.id, *what.pid});
    // Not before the core knows the pid: the worker's ack may be waiting there already.
    adopt(std::move(what.control), *what.pid, what.wish.generation);
    if (what.death) of_.notice(core::event::exited{what.wish.id, *what.death});
}

preload::owner spawner::preload_owner(core::generation number) {
    return {[this](birth what) { take(std::move(what)); },
            [this](const core::action::spawn& what) { execute(what); },
            [this, number](core::worker_id worker) { return open_output(worker, number); },
            [this, number](core::process_id pid) { return standing_of(pid, number); },
            [this](severity level, const std::string& text) { of_.log(level, text); }};
}

/// The template process runs code of the group's user, and this group will signal the process that
/// it names. So that must be nothing else that the master knows, and be one that the user may
/// signal himself.
standing spawner::standing_of(core::process_id pid, core::generation number) const {
    if (of_.around.is_known_child(pid)) return standing::foreign;
    if (!os::process(pid).is_own_child()) {
        if (os::parent_of(pid)) return standing::foreign;
        return of_.around.may_miss_deaths() ? standing::unheard : standing::gone;
    }
    auto user = user_of(number);
    bool may_signal = user && (*user == os::own_user() || os::user_of(pid) == user);
    return may_signal ? standing::own_fork : standing::foreign;
}

/// A generation whose object cannot be loaded goes on without.
void spawner::begin_preload(core::generation number, const releases::entry& made) {
    preload::owner us = preload_owner(number);
    auto fail = [&](const std::string& reason) {
        us.log(severity::warning, "--preload " + of_.settings.preload + ": " + reason +
                                      "; going on without preloading");
    };
    if (auto reason = why_not_preloadable(of_.settings.preload); !reason.empty())
        return fail(reason);
    if (!made) return fail(made.error().message());
    auto begun = preload::start(of_.loop, recipe_of(**made), of_.settings.preload,
                                of_.settings.command_socket_as_fd, us);
    if (!begun) return fail(begun.error().message());
    of_.log(severity::debug, "template process " + std::to_string((*begun)->pid()) +
                                 " of generation " + std::to_string(number) + " loads " +
                                 of_.settings.preload);
    preloads_.insert_or_assign(number, std::move(*begun));
}

/// A release outlives the template process that is made from it.
void spawner::tend() {
    auto unwanted = [&](const core::action::spawn& wish) {
        const core::worker* worker = of_.group.find(wish.id);
        return !worker || !worker->active();
    };
    for (const auto& [number, one] : preloads_)
        one->withdraw(unwanted);
    newborns_.withdraw(unwanted);
    bool runs = of_.group.phase() == core::group_phase::running;
    std::erase_if(preloads_, [&](const auto& known) {
        return known.second->is_idle() && !(runs && of_.group.needs(known.first));
    });
    releases_.forget_unneeded();
}

void spawner::hear_births() {
    for (const auto& [number, one] : preloads_)
        one->hear();
    newborns_.hear();
}

bool spawner::has_child(core::process_id pid) const {
    auto has_pid = [&](const auto& known) { return known.second->pid() == pid; };
    return newborns_.has(pid) || std::ranges::any_of(preloads_, has_pid);
}

bool spawner::expects_births() const {
    auto is_asked = [](const auto& known) { return !known.second->is_idle(); };
    return !newborns_.is_empty() || std::ranges::any_of(preloads_, is_asked);
}

std::optional<uid_t> spawner::user_of(core::generation number) const {
    shared_release made = releases_.find(number);
    if (!made) return std::nullopt;
    const auto& identity = made->plan.recipe().identity;
    return identity ? identity->user : os::own_user();
}

void spawner::notice_death(const os::reaped& dead) {
    for (const auto& [number, one] : preloads_)
        one->notice_death(dead);
    newborns_.notice_death(dead);
}

void spawner::hand_over(handoff::group& into) const {
    releases_.hand_over(into);
    for (const auto& [number, one] : preloads_)
        if (auto state = one->hand_over(number)) into.preloads.push_back(std::move(*state));
    // What nobody is about to answer any more is decided anew by the next master.
    std::erase_if(into.state.workers, [&](const core::worker& worker) {
        return worker.is_being_spawned() && !is_ordered(into.preloads, worker.id);
    });
}

} // namespace einhyrningsins::master
