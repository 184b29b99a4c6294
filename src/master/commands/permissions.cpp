// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/permissions.hpp"

#include "master/logging.hpp"

#include <chrono>

namespace einhyrningsins::master {
namespace {

using core::severity;
using protocol::refusal;
using protocol::reply;

/// In ten seconds.
constexpr unsigned refusals_logged = 20;

std::string process_and_user(const os::peer& who) {
    return "process " + std::to_string(who.pid) + " of user " + std::to_string(who.uid);
}

} // namespace

bool permissions::may(protocol::verb what, const control_connection& client) const {
    if (is_operator(client.who(), operators_)) return true;
    return protocol::is_for_workers(what) && worker_above(groups_, client.who().pid);
}

bool permissions::may_speak_for(const found_worker& worker, const found_worker& own,
                                const control_connection& client) const {
    return worker.pid == own.pid || is_operator(client.who(), operators_);
}

reply permissions::turn_away(std::string_view command, const control_connection& client) {
    log_refusal("refused " + protocol::quoted(command) + " to " + process_and_user(client.who()) +
                ", who is no operator" +
                (worker_above(groups_, client.who().pid) ? ", but a worker" : ""));
    return refusal(
        "permission denied: only root, the master's user and --socket-group may do that");
}

reply permissions::turn_away_from_worker(core::process_id worker,
                                         const control_connection& client) {
    log_refusal("refused " + process_and_user(client.who()) + ", which spoke for worker " +
                std::to_string(worker));
    return refusal("permission denied: a worker speaks for itself only");
}

void permissions::log_refusal(const std::string& text) {
    auto now = core::time_point::clock::now();
    if (now - refusals_since_ > std::chrono::seconds(10)) {
        refusals_since_ = now;
        refusals_ = 0;
    }
    if (++refusals_ <= refusals_logged) log(severity::warning, "", text);
    if (refusals_ == refusals_logged)
        log(severity::warning, "", "further refusals are not logged for some seconds");
}

} // namespace einhyrningsins::master
