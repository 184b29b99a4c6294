// SPDX-License-Identifier: GPL-3.0-or-later
#include "machine/preload.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace einhyrningsins::machine {
namespace {

using core::severity;

/// Loading may take as long as it likes, but if it takes longer a line in the log says so.
constexpr auto long_load = std::chrono::seconds(10);
/// A fork takes milliseconds. A template process that has not answered for so long never will.
constexpr auto longest_fork = std::chrono::seconds(10);
/// Deaths kept until it is clear whose they were. Only so many workers can be on their way.
constexpr std::size_t most_strays = 1024;

/// The reasons of dlopen(3) begin with the path, which the log line has already.
std::string without_path(const std::string& why, const std::string& path) {
    for (const std::string& prefix : {path + ": ", "./" + path + ": "})
        if (why.starts_with(prefix)) return why.substr(prefix.size());
    return why;
}

} // namespace

preload::preload(core::process_id pid, std::string path, state_type state)
    : pid_(pid),
      path_(std::move(path)),
      state_(std::move(state)),
      inherited_(state_.asked.size()) {}

preload::actions preload::take() { return std::exchange(out_, {}); }

void preload::note(severity level, const std::string& text) {
    out_.push_back(preload_action::note{level, text});
}

/// Watches the time while an answer is due, and only then: an idle master has no timer.
void preload::set_limit() {
    std::optional<core::duration> time;
    if (state_.now == phase::loading) time = long_load;
    if (state_.now == phase::serving && !state_.asked.empty()) time = longest_fork;
    out_.push_back(preload_action::set_limit{++limit_, time});
}

preload::actions preload::begin() {
    set_limit();
    return take();
}

preload::actions preload::ask(const birth_order& order) {
    switch (state_.now) {
    case phase::loading:
    case phase::doomed: state_.waits.push_back(order); break;
    case phase::serving: send(order); break;
    case phase::gone: out_.push_back(preload_action::decline{order}); break;
    }
    return take();
}

/// If the process has gone meanwhile its death is about to be noticed, and the order is declined
/// with the rest.
void preload::send(const birth_order& order) {
    state_.asked.push_back(order);
    if (state_.asked.size() == 1) set_limit(); // before the answer that it could not be sent
    out_.push_back(preload_action::send{order});
}

preload::actions preload::unsent(const birth_order& order, const std::string& why, bool scarce) {
    if (std::erase_if(state_.asked, [&](auto& each) { return each.id == order.id; }) == 0)
        return {};
    out_.push_back(preload_action::failed{order, why, scarce});
    if (state_.asked.empty()) set_limit();
    return take();
}

preload::actions preload::withdraw(const std::function<bool(const birth_order&)>& unwanted) {
    std::vector<birth_order> withdrawn;
    std::ranges::copy_if(state_.waits, std::back_inserter(withdrawn), unwanted);
    std::erase_if(state_.waits, unwanted);
    for (const birth_order& order : withdrawn)
        out_.push_back(preload_action::failed{order, "not wanted any more", false});
    return take();
}

preload::actions preload::loaded(core::duration took) {
    if (state_.now != phase::loading) return garbled();
    state_.now = phase::serving;
    note(severity::info, "template process " + std::to_string(pid_) + " has loaded " + path_ +
                             " within " + core::to_string(took));
    set_limit();
    for (const birth_order& order : std::exchange(state_.waits, {}))
        send(order);
    return take();
}

preload::actions preload::refused(const std::string& why) {
    doom(without_path(why, path_));
    return take();
}

preload::actions preload::forked(core::process_id pid, standing what) {
    if (state_.asked.empty() || pid == pid_) return garbled();
    auto death = what == standing::foreign ? std::nullopt : take_stray(pid);
    bool was_missed = what == standing::unheard || (what == standing::gone && inherited_ > 0);
    if (!death && was_missed) death = core::exit_cause{};
    if (!death && what != standing::own_fork) {
        doom("the template process " + std::to_string(pid_) + " has named process " +
             std::to_string(pid) + ", which it has not forked");
        return take();
    }
    birth_order order = take_first();
    out_.push_back(preload_action::born{order, pid, death});
    return take();
}

/// Another attempt may cure scarcity; of anything else only exec can save the generation.
preload::actions preload::fork_failed(const std::string& why, bool scarce) {
    if (state_.asked.empty()) return garbled();
    if (scarce) {
        birth_order order = take_first();
        out_.push_back(preload_action::failed{order, why, true});
    } else {
        state_.waits.push_back(take_first());
        doom("the template process cannot fork workers: " + why);
    }
    return take();
}

preload::actions preload::garbled() {
    doom("the template process " + std::to_string(pid_) + " has said what makes no sense");
    return take();
}

/// As a rule it has ended by itself, and its death says more.
preload::actions preload::closed() {
    doom({});
    hang_up();
    return take();
}

birth_order preload::take_first() {
    birth_order first = state_.asked.front();
    state_.asked.pop_front();
    if (inherited_ > 0) --inherited_;
    if (state_.asked.empty()) state_.strays.clear();
    if (state_.asked.empty() && state_.now == phase::doomed) hang_up();
    set_limit();
    return first;
}

/// A death that came before its birth was told.
std::optional<core::exit_cause> preload::take_stray(core::process_id pid) {
    auto found = std::ranges::find(state_.strays, pid, &stray::pid);
    if (found == state_.strays.end()) return std::nullopt;
    core::exit_cause cause = found->cause;
    state_.strays.erase(found);
    return cause;
}

void preload::child_ended(core::process_id pid, const core::exit_cause& cause) {
    if (state_.now == phase::gone || state_.asked.empty()) return;
    if (state_.strays.size() == most_strays) state_.strays.erase(state_.strays.begin());
    state_.strays.push_back({pid, cause});
}

void preload::doom(const std::string& why) {
    if (state_.now == phase::gone) return;
    if (state_.doom.empty()) state_.doom = why;
    bool is_first = std::exchange(state_.now, phase::doomed) != phase::doomed;
    if (is_first) {
        set_limit();
        out_.emplace_back(preload_action::kill{});
    }
    if (!is_first || state_.asked.empty()) hang_up();
}

void preload::hang_up() {
    if (!std::exchange(has_hung_up_, true)) out_.emplace_back(preload_action::hang_up{});
}

preload::actions preload::ended(const std::string& why) {
    go(why);
    return take();
}

preload::actions preload::vanished() { return ended("the template process has ended"); }

void preload::go(const std::string& why) {
    if (std::exchange(state_.now, phase::gone) == phase::gone) return;
    out_.emplace_back(preload_action::hang_up{});
    set_limit();
    note(severity::warning, "--preload " + path_ + ": " +
                                (state_.doom.empty() ? why : state_.doom) +
                                "; going on without preloading");
    state_.strays.clear();
    for (const birth_order& order : std::exchange(state_.asked, {}))
        out_.push_back(preload_action::decline{order});
    for (const birth_order& order : std::exchange(state_.waits, {}))
        out_.push_back(preload_action::decline{order});
}

preload::actions preload::overdue(unsigned number) {
    if (number != limit_) return {};
    if (state_.now == phase::loading)
        note(severity::warning, "--preload " + path_ + ": still loading after " +
                                    core::to_string(core::duration(long_load)) +
                                    "; its workers wait for it");
    else if (state_.now == phase::serving && !state_.asked.empty())
        doom("the template process has not answered for " +
             core::to_string(core::duration(longest_fork)));
    return take();
}

} // namespace einhyrningsins::machine
