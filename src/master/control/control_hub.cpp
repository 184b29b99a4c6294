// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/control/control_hub.hpp"

#include "machine/descriptor_shares.hpp"
#include "master/control/control_server.hpp"
#include "master/logging.hpp"
#include "os/low_numbers.hpp"
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

} // namespace

struct control_hub::scarcity {
    loop::alarm wake;
    std::string trouble;
    unsigned times = 0;
    core::time_point last;
    core::time_point told_until; ///< the owner knows that clients have to wait until then
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
    std::string why = who ? why_not_served(*who)
                          : "permission denied: only root, the master's user and "
                            "--socket-group may do that";
    if (!why.empty()) return turn_away(std::move(socket), *peer, group, why);
    if (!who->is_operator && is_full()) disconnect(who->worker);
    connect(std::move(socket), std::move(*who), fresh);
}

/// Returns why a client is not served; empty: it is.
std::string control_hub::why_not_served(const caller& who) const {
    if (who.is_operator) return {};
    auto user = users_.find(who.peer.uid);
    std::size_t now = user == users_.end() ? 0 : user->second;
    if (now < owner_.most_connections(who.peer.uid)) return {};
    return "too many connections of this user: there are " + std::to_string(now) + " already";
}

/// From its earlier connections, when what it has sent by them was answered.
void control_hub::disconnect(const worker_ref& worker) {
    for (const auto& client : std::set(connections_))
        if (client->who().worker == worker && !client->is_inherited()) client->give_way();
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
    if (client->is_inherited()) ++inherited_;
    connections_.insert(client);
    client->start();
    return client;
}

void control_hub::forget(control_connection& gone) {
    auto known = connections_.find(gone.shared_from_this());
    if (known == connections_.end()) return;
    connections_.erase(known);
    if (gone.is_inherited()) --inherited_;
    auto user = users_.find(gone.who().peer.uid);
    if (!gone.who().is_operator && --user->second == 0) users_.erase(user);
    resume();
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

bool control_hub::is_full() const {
    return !machine::may_accept(connections_.size() - inherited_, os::free_descriptors(),
                                os::descriptor_limit());
}

std::string control_hub::trouble() const { return scarcity_ ? scarcity_->trouble : ""; }

void control_hub::await_room(control_server& server, const std::string& why) {
    note_scarcity(why);
    if (std::ranges::find(paused_, &server) == paused_.end()) paused_.push_back(&server);
    auto now = core::time_point::clock::now();
    if (paused_.size() == 1) scarcity_->told_until = std::max(scarcity_->told_until, now);
    wait_for_room(now);
}

void control_hub::note_scarcity(const std::string& why) {
    if (!scarcity_) {
        scarcity_.reset(new scarcity{{context_, [this] { on_wake(); }}, {}, 0, {}, {}});
        scarcity_->trouble = "control socket: clients have to wait: " + why;
        log(severity::warning, "", scarcity_->trouble);
    }
    ++scarcity_->times;
    scarcity_->last = core::time_point::clock::now();
}

/// Until somebody disconnects, or has to.
void control_hub::wait_for_room(core::time_point now) {
    auto& until = scarcity_->told_until;
    if (until <= now) {
        auto before = std::exchange(until, now + accept_retry);
        owner_.delay_clients(until - before);
    }
    auto* first = first_to_give_way();
    scarcity_->wake.at(first ? std::min(until, first->gives_way_at()) : until);
}

/// Who has to give way first; null: there is nobody.
control_connection* control_hub::first_to_give_way() const {
    auto first = std::ranges::min_element(
        connections_, {}, [](const auto& client) { return client->gives_way_at(); });
    return first == connections_.end() ? nullptr : first->get();
}

void control_hub::on_wake() {
    auto now = core::time_point::clock::now();
    auto* first = paused_.empty() ? nullptr : first_to_give_way();
    if (first && first->gives_way_at() <= now) first->give_way();
    resume();
    if (!paused_.empty()) {
        scarcity_->last = now;
        return wait_for_room(now);
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
    if (paused_.empty() || is_full()) return;
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
