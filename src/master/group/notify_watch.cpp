// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/notify_watch.hpp"

#include "master/group/pid_table.hpp"
#include "os/credentials.hpp"

#include <utility>
#include <variant>

namespace einhyrningsins::master {
namespace {

using core::severity;

constexpr auto retry_pause = std::chrono::milliseconds(200);
/// For so many senders that are no workers, all processes are searched in one turn of the loop.
constexpr unsigned strangers_a_turn = 8;

os::notify_socket socket_of(const handoff::group& from) {
    if (!from.notify) return os::notify_socket();
    return os::notify_socket(os::unique_fd(from.notify->fd), from.notify->address);
}

} // namespace

notify_watch::notify_watch(const group_context& of, const handoff::group& from)
    : of_(of),
      socket_(socket_of(from)),
      messages_(
          of.loop,
          [this] { socket_.receive([this](const auto& sender) { return hear_ready(sender); }); }),
      retry_(of.loop, [this] { try_to_open(); }) {
    if (from.notify) try_to_open();
}

bool notify_watch::is_wanted() const {
    return std::holds_alternative<core::ack_notify>(of_.settings.policy.ack);
}

void notify_watch::open() {
    if (is_wanted() && !is_open_) try_to_open();
}

void notify_watch::try_to_open() {
    is_open_ = true;
    retry_.after(retry_pause); // whatever happens until it is open
    auto opened = open_and_watch();
    if (opened) return retry_.cancel();
    if (!std::exchange(complained_, true))
        of_.log(severity::error, opened.error().message() + "; trying again until it works");
}

os::result<void> notify_watch::open_and_watch() {
    if (auto opened = socket_.open(); !opened) return opened;
    auto watched = messages_.watch(socket_.fd());
    if (watched) return {};
    return os::os_error{"notify socket: " + watched.error().what, watched.error().number};
}

/// The worker that a process speaks for: itself, or one that it descends from. By now another
/// process may have the sender's pid, and what a worker runs as somebody else is not the worker: it
/// has to run as the worker's user, as at the control socket, or as one who may do everything.
std::optional<core::worker_id>
notify_watch::worker_of(const os::notify_socket::sender& sender) const {
    of_.hear_births();
    auto found = of_.around.workers->find_above(sender.pid);
    const core::worker* worker = found ? of_.group.find(found.worker.pid) : nullptr;
    bool may_all = sender.user == 0 || sender.user == os::own_user();
    return worker && (may_all || found.runs_as(sender.user)) ? std::optional(worker->id)
                                                             : std::nullopt;
}

/// Everybody on the machine can send something there. Those who are no workers have a bounded share
/// of the log and of a turn of the loop.
bool notify_watch::hear_ready(const os::notify_socket::sender& sender) {
    if (auto worker = worker_of(sender)) {
        of_.notice(core::event::acked{*worker});
        return true;
    }
    auto lines =
        strangers_.note(sender.user,
                        "ignored READY=1 of process " + std::to_string(sender.pid) + ", user " +
                            std::to_string(sender.user) + ", which is no worker",
                        core::time_point::clock::now());
    for (const std::string& line : lines)
        of_.log(severity::warning, line);
    return ++strangers_heard_ % strangers_a_turn != 0;
}

std::string notify_watch::address() const { return is_wanted() ? socket_.address() : ""; }

void notify_watch::hand_over(handoff::group& into) const {
    if (is_open_) into.notify = handoff::notify_socket{socket_.fd(), socket_.address()};
}

} // namespace einhyrningsins::master
