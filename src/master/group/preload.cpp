// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/preload.hpp"

#include "master/logging.hpp"
#include "os/process.hpp"
#include "os/unix_socket.hpp"

#include <csignal>
#include <utility>
#include <variant>

namespace einhyrningsins::master {
namespace {

using core::severity;
using phase = machine::preload::phase;

machine::preload::state_type state_of(const handoff::preload& from) {
    machine::preload::state_type state{.doom = from.doom};
    if (from.loaded) state.now = phase::serving;
    if (from.doomed) state.now = phase::doomed;
    for (const handoff::birth_wish& order : from.asked)
        state.asked.push_back({order.id, order.index, from.generation});
    for (const handoff::birth_wish& order : from.waits)
        state.waits.push_back({order.id, order.index, from.generation});
    for (const handoff::stray& stray : from.strays)
        state.strays.push_back({stray.pid, stray.cause});
    return state;
}

} // namespace

os::result<std::shared_ptr<preload>> preload::start(boost::asio::io_context& context,
                                                    os::spawn_recipe worker, std::string path,
                                                    bool socket_as_fd, owner callbacks) {
    auto output = callbacks.output(core::worker_id{});
    if (!output) return output.error();
    auto process =
        os::template_process::start(std::move(worker), path, socket_as_fd, output->descriptors());
    if (!process) return process.error();
    handoff::preload fresh{.path = std::move(path)};
    return std::make_shared<preload>(context, std::move(*process), fresh, socket_as_fd,
                                     std::move(callbacks));
}

preload::preload(boost::asio::io_context& context, os::template_process process,
                 const handoff::preload& from, bool socket_as_fd, owner callbacks)
    : process_(std::move(process)),
      path_(from.path),
      machine_(process_.pid(), path_, state_of(from)),
      answers_(context, [this] { hear(); }),
      limit_(
          context, [this] { carry_out(machine_.overdue(limit_number_)); },
          loop::alarm::purpose::limit),
      deaf_(context,
            [this] { carry_out(machine_.refused("the template process cannot be heard")); }),
      socket_as_fd_(socket_as_fd),
      owner_(std::move(callbacks)) {
    for (const handoff::birth_wish& order : from.asked)
        controls_[order.id] = os::unique_fd(order.control);
    carry_out(machine_.begin());
    if (auto watched = answers_.watch(process_.control()); !watched) deaf_.soon();
}

std::optional<handoff::preload> preload::hand_over(core::generation number) const {
    const machine::preload::state_type& state = machine_.state();
    if (state.now == phase::gone || process_.control() < 0) return std::nullopt;
    handoff::preload into{.generation = number,
                          .pid = pid(),
                          .fd = process_.control(),
                          .path = path_,
                          .loaded = state.now == phase::serving,
                          .doomed = state.now == phase::doomed,
                          .doom = state.doom};
    for (const core::action::spawn& order : state.asked) {
        auto control = controls_.find(order.id);
        into.asked.push_back(
            {order.id, order.index, control == controls_.end() ? -1 : control->second.get()});
    }
    for (const core::action::spawn& order : state.waits)
        into.waits.push_back({order.id, order.index});
    for (const machine::preload::stray& stray : state.strays)
        into.strays.push_back({stray.pid, stray.cause});
    return into;
}

const char* preload::state_name() const {
    switch (machine_.state().now) {
    case phase::loading: return "loading";
    case phase::serving: return "loaded";
    case phase::doomed:
    case phase::gone: break;
    }
    return "failed";
}

void preload::ask(const core::action::spawn& order) { carry_out(machine_.ask(order)); }

void preload::withdraw(const std::function<bool(const core::action::spawn&)>& unwanted) {
    carry_out(machine_.withdraw(unwanted));
}

void preload::hear() {
    auto keep = shared_from_this();
    while (answers_.is_watching()) {
        auto answer = process_.hear();
        if (!answer) break;
        carry_out(std::visit([this](const auto& alternative) { return on(alternative); }, *answer));
    }
    if (!end_ || !is_usable()) return;
    auto failure = process_.why_not_executed();
    carry_out(machine_.ended(failure ? failure->message()
                                     : "the template process " + std::to_string(pid()) +
                                           " died: " + to_string(*end_)));
}

preload::actions preload::on(const os::template_answer::loaded&) {
    return machine_.loaded(core::time_point::clock::now() - began_at_);
}

preload::actions preload::on(const os::template_answer::refused& answer) {
    return machine_.refused(answer.reason);
}

/// To find the standing takes longer than to say anything, so it is done for orders only.
preload::actions preload::on(const os::template_answer::forked& answer) {
    if (!machine_.awaits_answer()) return machine_.garbled();
    return machine_.forked(answer.pid, owner_.standing_of(answer.pid));
}

preload::actions preload::on(const os::template_answer::fork_failed& answer) {
    return machine_.fork_failed(answer.error.message(), os::is_scarcity(answer.error.number));
}

preload::actions preload::on(const os::template_answer::garbled&) { return machine_.garbled(); }

preload::actions preload::on(const os::template_answer::closed&) { return machine_.closed(); }

void preload::notice_death(const os::reaped& dead) {
    if (dead.pid == pid())
        end_ = dead.cause;
    else
        machine_.child_ended(dead.pid, dead.cause);
}

void preload::carry_out(const actions& all) {
    for (const auto& action : all)
        std::visit([this](const auto& alternative) { perform(alternative); }, action);
}

/// What fails for want of memory, say, is an answer as well.
void preload::perform(const machine::preload_action::send& action) {
    auto failure = attempt("", [&] {
        auto sent = send(action.order);
        if (!sent)
            carry_out(machine_.unsent(action.order, sent.error().message(),
                                      os::is_scarcity(sent.error().number)));
    });
    if (failure) carry_out(machine_.unsent(action.order, *failure, true));
}

os::result<void> preload::send(const core::action::spawn& order) {
    os::socket_pair control;
    if (socket_as_fd_) {
        auto pair = os::make_socket_pair();
        if (!pair) return pair.error();
        control = std::move(*pair);
    }
    auto output = owner_.output(order.id);
    if (!output) return output.error();
    auto sent = process_.ask(order.index, control.theirs.get(), output->descriptors());
    if (!sent && os::is_scarcity(sent.error().number)) return sent.error();
    // Otherwise it has gone, and its death is about to be noticed.
    if (control.ours) controls_[order.id] = std::move(control.ours);
    return {};
}

os::unique_fd preload::take_control(core::worker_id order) {
    auto known = controls_.extract(order);
    return known ? std::move(known.mapped()) : os::unique_fd();
}

void preload::perform(const machine::preload_action::born& action) {
    owner_.born({action.order, action.pid, take_control(action.order.id), action.death});
}

void preload::perform(const machine::preload_action::failed& action) {
    take_control(action.order.id);
    owner_.born({action.order, os::os_error{action.why}, {}, {}, action.scarce});
}

void preload::perform(const machine::preload_action::decline& action) {
    take_control(action.order.id);
    owner_.declined(action.order);
}

void preload::perform(const machine::preload_action::kill&) {
    if (!end_ && !os::process(pid()).signal(SIGKILL)) carry_out(machine_.vanished());
}

/// When it was reaped, its pid may be another process's by now.
void preload::perform(const machine::preload_action::hang_up&) {
    answers_.cancel();
    if (machine_.state().now == phase::gone) process_.forget();
}

void preload::perform(const machine::preload_action::set_limit& action) {
    limit_number_ = action.number;
    if (action.time)
        limit_.after(*action.time);
    else
        limit_.cancel();
}

void preload::perform(const machine::preload_action::note& action) {
    owner_.log(action.level, action.text);
}

std::string why_not_preloadable(const std::string& path) {
    if (!path.ends_with(".rb")) return {};
    return "a Ruby file cannot be loaded by this master, which loads shared objects";
}

} // namespace einhyrningsins::master
