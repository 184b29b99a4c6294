// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/permissions.hpp"

#include "master/logging.hpp"
#include "os/credentials.hpp"

namespace einhyrningsins::master {
namespace {

using core::severity;
using protocol::refusal;
using protocol::reply;

/// How many connections a user without workers may have, and how many more for each worker.
constexpr std::size_t connections_of_user = 64;
constexpr std::size_t connections_a_worker = 4;

std::string process_and_user(const os::peer& who) {
    return "process " + std::to_string(who.pid) + " of user " + std::to_string(who.uid);
}

} // namespace

std::optional<caller> permissions::admit(int socket, const handoff::connection& client) const {
    if (is_operator(client, operators_)) return caller{client, true, {}};
    worker_ref worker =
        client.worker == 0 ? find_worker_of(socket, client) : workers_.find(client.worker).worker;
    if (!worker) return std::nullopt;
    return caller{client, false, worker};
}

std::size_t permissions::most_connections(uid_t user) const {
    return connections_of_user + connections_a_worker * workers_.workers_of(user);
}

/// The credentials of a peer are those of the moment when it connected: its pid may have been
/// reused since. The system tells whether it has; where it cannot tell, the user decides, since a
/// process that runs as the worker's user controls the worker anyway. Ancestors are looked at only
/// if the peer runs as the user of some worker.
worker_ref permissions::find_worker_of(int socket, const os::peer& peer) const {
    pid_table::entry found = find(peer.pid);
    bool is_exact{found};
    if (!is_exact && workers_.workers_of(peer.uid) == 0) return {};
    auto presence = os::presence_of_peer(socket);
    if (presence == os::peer_presence::gone) return {};
    if (!is_exact) found = workers_.find_above(peer.pid);
    bool is_certain = is_exact && presence == os::peer_presence::there;
    return found && (is_certain || found.runs_as(peer.uid)) ? found.worker : worker_ref{};
}

/// A worker from a template process (-p) may connect before the master has read that it was forked.
pid_table::entry permissions::find(core::process_id pid) const {
    if (auto known = workers_.find(pid)) return known;
    for (const auto& runner : groups_)
        if (runner->expects_births()) runner->hear_births();
    return workers_.find(pid);
}

pid_table::entry permissions::worker_of(const caller& client) const {
    if (!client.is_operator) return workers_.find(client.worker);
    if (auto exact = find(client.peer.pid)) return exact;
    return workers_.find_above(client.peer.pid);
}

reply permissions::turn_away(std::string_view command, const caller& client) {
    log_refusal(client.peer, "refused " + protocol::quoted(command) + " to " +
                                 process_and_user(client.peer) +
                                 ", who is no operator, but a worker");
    return refusal(
        "permission denied: only root, the master's user and --socket-group may do that");
}

reply permissions::turn_away_from_worker(core::process_id worker, const caller& client) {
    log_refusal(client.peer, "refused " + process_and_user(client.peer) +
                                 ", which spoke for worker " + std::to_string(worker));
    return refusal("permission denied: a worker speaks for itself only");
}

void permissions::log_refusal(const os::peer& peer, const std::string& text) {
    for (const std::string& line : refusals_.note(peer.uid, text, core::time_point::clock::now()))
        log(severity::warning, "", line);
}

} // namespace einhyrningsins::master
