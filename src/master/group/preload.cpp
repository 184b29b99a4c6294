// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/preload.hpp"

#include "os/exec.hpp"
#include "os/unix_socket.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace einhyrningsins::master {
namespace {

using core::severity;

/// Loading may take as long as it likes, but that it does is worth a line.
constexpr auto long_load = std::chrono::seconds(10);
/// A fork takes milliseconds. A template process that has not answered for so long never will.
constexpr auto longest_fork = std::chrono::seconds(10);
/// Deaths kept until it is clear whose they were. Only so many workers can be on their way.
constexpr std::size_t most_strays = 1024;

/// dlopen(3)'s reasons begin with the path, which is known already.
std::string without_path(const std::string& reason, const std::string& path) {
    for (const std::string& prefix : {path + ": ", "./" + path + ": "})
        if (reason.starts_with(prefix)) return reason.substr(prefix.size());
    return reason;
}

} // namespace

os::result<std::shared_ptr<preload>> preload::start(boost::asio::io_context& context,
                                                    os::spawn_recipe worker, std::string path,
                                                    bool socket_as_fd, owner who) {
    auto output = who.output();
    if (!output) return output.error();
    auto process =
        os::template_process::start(std::move(worker), path, socket_as_fd, output->descriptors());
    if (!process) return process.error();
    std::shared_ptr<preload> made(
        new preload(context, std::move(*process), std::move(path), socket_as_fd, std::move(who)));
    made->expect_answer();
    made->await();
    return made;
}

std::shared_ptr<preload> preload::take_over(boost::asio::io_context& context,
                                            const handoff::preload& from, bool socket_as_fd,
                                            owner who) {
    os::template_process process(from.pid, os::unique_fd(from.fd));
    std::shared_ptr<preload> made(
        new preload(context, std::move(process), from.path, socket_as_fd, std::move(who)));
    if (from.loaded) made->state_ = state::loaded;
    if (from.doomed) made->state_ = state::doomed;
    made->doom_ = from.doom;
    for (const handoff::birth_wish& one : from.asked)
        made->asked_.push_back({{one.id, one.index, from.generation}, os::unique_fd(one.control)});
    for (const handoff::birth_wish& one : from.waits)
        made->waits_.push_back({one.id, one.index, from.generation});
    for (const handoff::stray& one : from.strays)
        made->strays_.push_back({one.pid, one.cause});
    made->expect_answer();
    made->await();
    return made;
}

preload::preload(boost::asio::io_context& context, os::template_process process, std::string path,
                 bool socket_as_fd, owner who)
    : process_(std::move(process)),
      readable_(context, process_.control()),
      overdue_(context),
      path_(std::move(path)),
      socket_as_fd_(socket_as_fd),
      owner_(std::move(who)) {}

preload::~preload() { stop_listening(); }

std::optional<handoff::preload> preload::hand_over(core::generation number) const {
    if (state_ == state::failed) return std::nullopt;
    handoff::preload into{.generation = number,
                          .pid = pid(),
                          .fd = process_.control(),
                          .path = path_,
                          .loaded = state_ == state::loaded,
                          .doomed = state_ == state::doomed,
                          .doom = doom_};
    for (const asked_birth& one : asked_)
        into.asked.push_back({one.wish.id, one.wish.index, one.control.get()});
    for (const core::action::spawn& one : waits_)
        into.waits.push_back({one.id, one.index});
    for (const os::reaped& one : strays_)
        into.strays.push_back({one.pid, one.cause});
    return into;
}

const char* preload::state_name() const {
    switch (state_) {
    case state::loading: return "loading";
    case state::loaded: return "loaded";
    case state::doomed:
    case state::failed: break;
    }
    return "failed";
}

void preload::await() {
    readable_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [weak = weak_from_this()](const boost::system::error_code& error) {
                             auto self = weak.lock();
                             if (error || !self || !self->readable_.is_open()) return;
                             self->hear();
                             if (self->readable_.is_open()) self->await();
                         });
}

/// The descriptor is the process'.
void preload::stop_listening() {
    if (readable_.is_open()) readable_.release();
}

/// Watches the time while an answer is due, and only then: an idle master has no timer.
void preload::expect_answer() {
    bool due = state_ == state::loading || (state_ == state::loaded && !asked_.empty());
    if (!due) {
        overdue_.cancel();
        return;
    }
    overdue_.expires_after(state_ == state::loading ? long_load : longest_fork);
    overdue_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        auto self = weak.lock();
        if (!error && self) self->on_overdue();
    });
}

void preload::on_overdue() {
    hear();
    if (overdue_.expiry() > core::time_point::clock::now()) return; // it has just answered
    if (state_ == state::loading)
        owner_.log(severity::warning, "--preload " + path_ + ": still loading after " +
                                          core::to_string(core::duration(long_load)) +
                                          "; its workers wait for it");
    else if (state_ == state::loaded && !asked_.empty())
        doom("the template process has not answered for " +
             core::to_string(core::duration(longest_fork)));
}

void preload::ask(const core::action::spawn& wish) {
    switch (state_) {
    case state::loading:
    case state::doomed: waits_.push_back(wish); return;
    case state::loaded: return send(wish);
    case state::failed: return owner_.declined(wish);
    }
}

void preload::send(const core::action::spawn& wish) {
    os::socket_pair control;
    if (socket_as_fd_) {
        auto pair = os::make_socket_pair();
        if (!pair) return owner_.born({wish, pair.error(), {}, {}});
        control = std::move(*pair);
    }
    auto output = owner_.output();
    if (!output) return owner_.born({wish, output.error(), {}, {}});
    auto sent = process_.ask(wish.index, control.theirs.get(), output->descriptors());
    if (!sent && os::is_scarcity(sent.error().number))
        return owner_.born({wish, sent.error(), {}, {}});
    // If it has gone, its death is about to be noticed, and this wish is given back with the rest.
    asked_.push_back({wish, std::move(control.ours)});
    if (asked_.size() == 1) expect_answer();
}

void preload::withdraw(const std::function<bool(const core::action::spawn&)>& unwanted) {
    std::vector<core::action::spawn> gone;
    std::ranges::copy_if(waits_, std::back_inserter(gone), unwanted);
    std::erase_if(waits_, unwanted);
    for (const core::action::spawn& wish : gone)
        owner_.born({wish, os::os_error{"not wanted any more"}, {}, {}});
}

void preload::hear() {
    auto keep = shared_from_this();
    while (readable_.is_open()) {
        auto answer = process_.hear();
        if (!answer) break;
        std::visit([this](const auto& it) { on(it); }, *answer);
    }
    if (end_) fail("the template process " + std::to_string(pid()) + " died: " + to_string(*end_));
}

void preload::on(const os::template_answer::loaded&) {
    if (state_ != state::loading) return on(os::template_answer::garbled{});
    state_ = state::loaded;
    owner_.log(severity::info, "template process " + std::to_string(pid()) + " has loaded " +
                                   path_ + " within " +
                                   core::to_string(core::time_point::clock::now() - began_at_));
    expect_answer();
    for (const core::action::spawn& wish : std::exchange(waits_, {}))
        send(wish);
}

void preload::on(const os::template_answer::refused& what) {
    doom(without_path(what.reason, path_));
}

void preload::on(const os::template_answer::forked& what) {
    if (asked_.empty() || what.pid == pid()) return on(os::template_answer::garbled{});
    auto death = take_stray(what.pid);
    // Another program in this process during a reload may have reaped it.
    if (!death && !os::is_own_child(what.pid)) death = core::exit_cause{};
    asked_birth first = take_first();
    owner_.born({first.wish, what.pid, std::move(first.control), death});
}

/// Another attempt may cure scarcity; of anything else only exec can save the generation.
void preload::on(const os::template_answer::fork_failed& what) {
    if (asked_.empty()) return on(os::template_answer::garbled{});
    if (!os::is_scarcity(what.error.number))
        return doom("the template process cannot fork workers: " + what.error.message());
    owner_.born({take_first().wish, what.error, {}, {}});
}

void preload::on(const os::template_answer::garbled&) {
    doom("the template process " + std::to_string(pid()) + " has said what makes no sense");
}

/// As a rule it has ended by itself, and its death says more.
void preload::on(const os::template_answer::closed&) {
    stop_listening();
    doom({});
}

asked_birth preload::take_first() {
    asked_birth first = std::move(asked_.front());
    asked_.pop_front();
    if (asked_.empty()) strays_.clear();
    expect_answer();
    return first;
}

/// A death that came before its birth was told.
std::optional<core::exit_cause> preload::take_stray(core::process_id pid) {
    auto found = std::ranges::find(strays_, pid, &os::reaped::pid);
    if (found == strays_.end()) return std::nullopt;
    core::exit_cause cause = found->cause;
    strays_.erase(found);
    return cause;
}

void preload::notice_death(const os::reaped& dead) {
    if (state_ == state::failed) return;
    if (dead.pid == pid()) {
        end_ = dead.cause;
        return;
    }
    if (asked_.empty()) return;
    if (strays_.size() == most_strays) strays_.erase(strays_.begin());
    strays_.push_back(dead);
}

/// Kills the process. Workers whose birth it has told meanwhile are ours, so what is left of the
/// wishes is known when its death is.
void preload::doom(const std::string& reason) {
    if (state_ != state::failed) state_ = state::doomed;
    if (doom_.empty()) doom_ = reason;
    overdue_.cancel();
    if (!end_ && !process_.kill()) fail("the template process has ended");
}

/// The process is no more.
void preload::fail(const std::string& reason) {
    if (std::exchange(state_, state::failed) == state::failed) return;
    stop_listening();
    process_.forget();
    overdue_.cancel();
    owner_.log(severity::warning, "--preload " + path_ + ": " + (doom_.empty() ? reason : doom_) +
                                      "; going on without preloading");
    std::vector<core::action::spawn> left;
    for (const asked_birth& one : std::exchange(asked_, {}))
        left.push_back(one.wish);
    std::ranges::copy(std::exchange(waits_, {}), std::back_inserter(left));
    for (const core::action::spawn& wish : left)
        owner_.declined(wish);
}

std::string why_not_preloadable(const std::string& path) {
    if (!path.ends_with(".rb")) return {};
    return "a Ruby file cannot be loaded by this master, which loads shared objects";
}

} // namespace einhyrningsins::master
