// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/spawner.hpp"

#include "core/event.hpp"
#include "master/group/group_services.hpp"
#include "master/group/worker_recipe.hpp"
#include "os/credentials.hpp"
#include "os/exec.hpp"
#include "os/process.hpp"
#include "os/signals.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <csignal>
#include <variant>

namespace einhyrningsins::master {
namespace {

using core::severity;

/// The answer to the core. Scarcity is not the program's fault, and is told apart.
core::event::spawn_failed failure(const core::action::spawn& what, const os::os_error& error) {
    return {what.id, error.message(), os::is_scarcity(error.number)};
}

} // namespace

spawner::spawner(const group_context& of, group_services& services)
    : of_(of),
      services_(services),
      plans_(of, services) {}

void spawner::begin(core::generation number) {
    plans_.begin(number);
    begin_preload(number);
}

void spawner::spawn(const core::action::spawn& what) {
    auto made = services_.prepare_worker(what.index, plans_.identity_of(what.generation));
    if (!made) return of_.notice(failure(what, made.error()));
    auto preloaded = preloads_.find(what.generation);
    if (preloaded != preloads_.end()) return preloaded->second->ask(what);
    execute(what);
}

void spawner::execute(const core::action::spawn& what) {
    os::socket_pair control;
    core::event_type answer = start(what, control);
    of_.notice(answer);
    // Not before the core knows the pid: the worker's ack may be waiting there already.
    if (auto* born = std::get_if<core::event::spawned>(&answer))
        adopt(std::move(control.ours), born->pid, what.generation);
}

core::event_type spawner::start(const core::action::spawn& what, os::socket_pair& control) {
    const worker_plans::plan_result& plan = plans_.of(what.generation);
    if (!plan) return failure(what, plan.error());
    if (of_.settings.command_socket_as_fd) {
        auto pair = os::make_socket_pair();
        if (!pair) return failure(what, pair.error());
        control = std::move(*pair);
    }
    auto output = of_.around.logs->open(of_.settings);
    if (!output) return failure(what, output.error());
    auto pid = plan->spawn(what.index, control.theirs.get(), output->descriptors());
    if (!pid) return failure(what, pid.error());
    return core::event::spawned{what.id, *pid};
}

/// Serves the control socket that the worker was given, if it was given one.
void spawner::adopt(os::unique_fd control, core::process_id pid, core::generation number) const {
    if (control)
        of_.around.adopt(std::move(control), os::peer_of_child(pid, plans_.identity_of(number)));
}

/// A birth out of a template process.
void spawner::take(birth what) {
    if (!what.pid) return of_.notice(failure(what.wish, what.pid.error()));
    of_.notice(core::event::spawned{what.wish.id, *what.pid});
    adopt(std::move(what.control), *what.pid, what.wish.generation);
    if (what.death) of_.notice(core::event::exited{*what.pid, *what.death});
}

preload::owner spawner::preload_owner() {
    return {[this](birth what) { take(std::move(what)); },
            [this](const core::action::spawn& what) { execute(what); },
            [this] { return of_.around.logs->open(of_.settings); },
            [this](severity level, const std::string& text) { of_.log(level, text); }};
}

/// A generation whose object cannot be loaded goes on without.
void spawner::begin_preload(core::generation number) {
    if (of_.settings.preload.empty()) return;
    preload::owner us = preload_owner();
    auto fail = [&](const std::string& reason) {
        us.log(severity::warning, "--preload " + of_.settings.preload + ": " + reason +
                                      "; going on without preloading");
    };
    if (auto reason = why_not_preloadable(of_.settings.preload); !reason.empty())
        return fail(reason);
    auto recipe = make_worker_recipe(of_, services_, number);
    if (!recipe) return fail(recipe.error().message());
    auto begun = preload::start(of_.loop, std::move(*recipe), of_.settings.preload,
                                of_.settings.command_socket_as_fd, us);
    if (!begun) return fail(begun.error().message());
    of_.log(severity::debug, "template process " + std::to_string((*begun)->pid()) +
                                 " of generation " + std::to_string(number) + " loads " +
                                 of_.settings.preload);
    preloads_.insert_or_assign(number, std::move(*begun));
}

void spawner::tend() {
    plans_.forget_unneeded();
    auto unwanted = [&](const core::action::spawn& wish) {
        auto who = std::ranges::find(of_.group.workers(), wish.id, &core::worker::id);
        return who == of_.group.workers().end() || !who->active();
    };
    for (const auto& [number, one] : preloads_)
        one->withdraw(unwanted);
    bool runs = of_.group.phase() == core::group_phase::running;
    std::erase_if(preloads_, [&](const auto& known) {
        return known.second->is_idle() && !(runs && of_.group.needs(known.first));
    });
}

void spawner::hear_births() {
    for (const auto& [number, one] : preloads_)
        one->hear();
}

void spawner::notice_death(const os::reaped& dead) {
    for (const auto& [number, one] : preloads_)
        one->notice_death(dead);
}

void spawner::hand_over(handoff::group& into) const {
    plans_.hand_over(into);
    for (const auto& [number, one] : preloads_)
        if (auto state = one->hand_over(number)) into.preloads.push_back(std::move(*state));
}

void spawner::take_over(const handoff::group& from) {
    for (const handoff::recipe& one : from.recipes)
        plans_.take_over(one);
    for (const handoff::preload& one : from.preloads)
        take_over(one);
}

/// Without the socket to it the template process is of no use: it is as good as dead.
void spawner::take_over(const handoff::preload& from) {
    if (from.fd >= 0) {
        preloads_.insert_or_assign(
            from.generation,
            preload::take_over(of_.loop, from, of_.settings.command_socket_as_fd, preload_owner()));
        return;
    }
    if (os::is_own_child(from.pid)) os::send_signal(from.pid, SIGKILL);
    std::vector<core::action::spawn> left;
    for (const auto& wishes : {from.asked, from.waits})
        for (const handoff::birth_wish& one : wishes)
            left.push_back({one.id, one.index, from.generation});
    // Not now: workers may need what the master is only about to take over.
    boost::asio::post(of_.loop, [this, alive = std::weak_ptr(alive_), left = std::move(left)] {
        if (alive.expired()) return;
        for (const core::action::spawn& wish : left)
            execute(wish);
    });
}

} // namespace einhyrningsins::master
