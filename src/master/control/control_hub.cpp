// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/control/control_hub.hpp"

#include "master/control/control_server.hpp"
#include "master/logging.hpp"
#include "os/own_process.hpp"
#include "os/stream_socket.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace einhyrningsins::master {
namespace {

namespace asio = boost::asio;
using core::severity;
using namespace std::chrono_literals;

/// How often accepting is retried while no client disconnects.
constexpr auto accept_retry = 100ms;
/// The scarcity has ended when no client had to wait for this long.
constexpr auto recovery = 10s;
/// How many connections of workers of other users are served even if descriptors are scarce.
constexpr std::size_t least_workers = 8;

/// How many descriptors the master keeps free for its own work, and how many more for operators.
struct reserve {
    std::size_t own, operators;
};
reserve reserve_of() {
    std::size_t limit = os::descriptor_limit();
    return {std::min<std::size_t>(64, limit / 4), std::min<std::size_t>(16, limit / 8)};
}

/// Whether at most `left` descriptors are free. `lowest` is the lowest free number, which the
/// system assigns next.
bool is_scarce(int lowest, std::size_t left) {
    return static_cast<std::size_t>(lowest) + left >= os::descriptor_limit();
}

} // namespace

struct control_hub::scarcity {
    loop::alarm wake;
    unsigned times = 0;
    core::time_point last;
};

control_hub::control_hub(asio::io_context& context, control_owner& owner, socket_files& files)
    : context_(context),
      owner_(owner),
      files_(files),
      changes_(context, [this] { on_change(); }) {}

control_hub::~control_hub() {
    for (const auto& client : std::exchange(connections_, {}))
        client->drop();
}

void control_hub::receive(os::unique_fd socket, const std::string& group) {
    auto peer = os::peer_of(socket.get());
    if (!peer) return;
    handoff::connection fresh{*peer};
    fresh.group = group;
    auto who = owner_.admit(socket.get(), fresh);
    std::string why = who ? why_not_served(*who, socket.get())
                          : "permission denied: only root, the master's user and "
                            "--socket-group may do that";
    if (!why.empty()) return turn_away(std::move(socket), *peer, group, why);
    if (auto client = connect(std::move(socket), std::move(*who), fresh))
        full_ = is_scarce(client->descriptor(), reserve_of().own);
}

/// Returns why a client is not served; empty: it is.
std::string control_hub::why_not_served(const caller& who, int descriptor) const {
    if (who.is_operator) return {};
    auto user = users_.find(who.peer.uid);
    std::size_t now = user == users_.end() ? 0 : user->second;
    if (now >= owner_.most_connections(who.peer.uid))
        return "too many connections of this user: there are " + std::to_string(now) + " already";
    std::size_t all = 0;
    for (const auto& [uid, count] : users_)
        all += count;
    reserve kept = reserve_of();
    bool scarce = is_scarce(descriptor, kept.own + kept.operators);
    return scarce && all >= least_workers ? "too many connections: descriptors are scarce" : "";
}

/// The line fits into the send buffer of a new connection. If it does not, it is not sent.
void control_hub::turn_away(os::unique_fd socket, const os::peer& peer, const std::string& group,
                            const std::string& why) {
    auto sent = os::send(socket.get(), owner_.turn_away(peer, group, why));
    (void)sent;
}

std::shared_ptr<control_connection> control_hub::serve(os::unique_fd socket,
                                                       const handoff::connection& from) {
    auto who = owner_.admit(socket.get(), from);
    return who ? connect(std::move(socket), std::move(*who), from) : nullptr;
}

/// Null if the system has no room for one more.
std::shared_ptr<control_connection> control_hub::connect(os::unique_fd socket, caller who,
                                                         const handoff::connection& from) {
    auto client =
        std::make_shared<control_connection>(*this, std::move(socket), std::move(who), from);
    if (!client->is_open()) return nullptr;
    if (!client->who().is_operator) ++users_[client->who().peer.uid];
    connections_.insert(client);
    client->start();
    return client;
}

void control_hub::forget(control_connection& gone) {
    auto known = connections_.find(gone.shared_from_this());
    if (known == connections_.end()) return;
    connections_.erase(known);
    auto user = users_.find(gone.who().peer.uid);
    if (!gone.who().is_operator && --user->second == 0) users_.erase(user);
    if (!paused_.empty()) resume();
}

/// A client may go on the way.
void control_hub::finish() const {
    for (const auto& client : std::set(connections_))
        client->flush();
}

void control_hub::hand_over(handoff::state& into) const {
    for (const auto& client : connections_)
        into.connections.push_back(client->hand_over(owner_.worker_to_hand_over(client->who())));
}

// Scarcity

void control_hub::await_room(control_server& server, const std::string& why) {
    note_scarcity(why);
    if (std::ranges::find(paused_, &server) == paused_.end()) paused_.push_back(&server);
    scarcity_->wake.after(accept_retry);
}

void control_hub::note_scarcity(const std::string& why) {
    if (!scarcity_) {
        scarcity_.reset(new scarcity{{context_, [this] { on_wake(); }}, 0, {}});
        log(severity::warning, "", "control socket: clients have to wait: " + why);
    }
    ++scarcity_->times;
    scarcity_->last = core::time_point::clock::now();
}

void control_hub::on_wake() {
    auto now = core::time_point::clock::now();
    resume();
    if (!paused_.empty()) {
        scarcity_->last = now;
        return scarcity_->wake.after(accept_retry);
    }
    core::duration quiet = now - scarcity_->last;
    if (quiet < recovery) return scarcity_->wake.after(recovery - quiet);
    log(severity::info, "",
        "control socket: no client has to wait any more; it happened " +
            std::to_string(scarcity_->times) + " times");
    scarcity_.reset();
}

/// Lets paused servers accept again if descriptors are free.
void control_hub::resume() {
    if (full_) full_ = is_scarce(os::lowest_free_descriptor(), reserve_of().own);
    if (full_) return;
    for (control_server* server : std::exchange(paused_, {}))
        server->resume();
}

// Files

os::result<void> control_hub::watch(const std::string& path, control_server* server) {
    if (std::ranges::find(watchers_, server) == watchers_.end()) watchers_.push_back(server);
    if (watch_) return watch_->add(path);
    auto fresh = os::file_watch::open(path);
    if (!fresh) return fresh.error();
    watch_ = std::move(*fresh);
    auto heard = changes_.watch(watch_->fd());
    if (!heard) watch_.reset();
    return heard;
}

void control_hub::remove(control_server* server) {
    std::erase(watchers_, server);
    std::erase(paused_, server);
}

void control_hub::on_change() {
    watch_->drain();
    for (control_server* server : watchers_)
        server->look_after_file();
}

} // namespace einhyrningsins::master
