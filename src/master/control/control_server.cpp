// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/control/control_server.hpp"

#include "master/logging.hpp"
#include "master/start_failure.hpp"
#include "os/low_numbers.hpp"
#include "os/stream_socket.hpp"

#include <cerrno>
#include <utility>

namespace einhyrningsins::master {
namespace {

using core::severity;
using namespace std::chrono_literals;

/// How many clients are accepted in one turn of the loop.
constexpr int clients_a_turn = 16;
/// Whoever removes the socket may be about to remove its directory as well.
constexpr auto reopen_delay = 200ms;
constexpr auto reopen_retry = 1s;
constexpr auto unwatched_look = 1s;

} // namespace

control_server::control_server(control_hub& hub, os::unix_socket_options options, std::string group,
                               const source& from)
    : hub_(hub),
      options_(std::move(options)),
      group_(std::move(group)),
      clients_(hub.context(), [this] { accept_some(); }),
      reopening_(hub.context(), [this] { reopen(); }) {
    if (from && from->fd < 0)
        reopen(); // it was lost on the way
    else
        open(from ? os::unix_socket{os::unique_fd(from->fd), from->file} : open_new());
}

os::unix_socket control_server::open_new() const {
    auto fresh = os::open_unix_socket(options_);
    if (!fresh) throw start_failure("control socket: " + fresh.error().message());
    return std::move(*fresh);
}

control_server::~control_server() { hub_.remove(this); }

void control_server::open(os::unix_socket fresh) {
    file_ = hub_.files().share(fresh.file);
    hub_.remove(this); // it may be waiting for room
    os::leave_low_numbers(fresh.fd);
    clients_.cancel();
    listener_ = std::move(fresh.fd);
    resume();
    watch_file();
}

/// If the file cannot be watched because watches are scarce, it is checked from time to time.
void control_server::watch_file() {
    auto watched = hub_.watch(options_.path, this);
    bool fails = !watched && is_in_place();
    if (fails && !std::exchange(unwatched_, true))
        log(severity::warning, group_,
            "control socket: cannot be watched: " + watched.error().message());
    if (fails) return reopening_.after(unwatched_look);
    unwatched_ = false;
    look_after_file(); // it may have vanished before it was watched
}

/// Somebody waits. Accepts a bounded number of clients, so that a turn of the loop stays short.
void control_server::accept_some() {
    if (hub_.is_full()) return await_room("so few descriptors are left");
    for (int count = 0; count < clients_a_turn && !hub_.is_full(); ++count) {
        auto client = os::accept_client(listener_.get());
        if (client) {
            hub_.receive(std::move(*client), group_);
            continue;
        }
        if (client.error().number == ECONNABORTED) continue;
        if (count == 0 && !os::would_block(client.error())) await_room(client.error().message());
        return;
    }
}

/// Accepts no client until the hub calls resume().
void control_server::await_room(const std::string& why) {
    clients_.cancel();
    hub_.await_room(*this, why);
}

void control_server::resume() {
    if (auto watched = clients_.watch(listener_.get()); !watched)
        await_room(watched.error().message());
}

handoff::control_socket control_server::hand_over() const {
    return {listener_.get(), file_ ? *file_ : os::socket_file()};
}

bool control_server::is_in_place() const { return file_ && os::is_in_place(*file_); }

void control_server::change_mode(mode_t mode) {
    if (options_.mode == mode) return;
    options_.mode = mode;
    if (!file_) return; // it is still to be made
    if (auto done = os::set_rights(*file_, options_); !done)
        log(severity::error, group_, "control socket: " + done.error().message());
}

void control_server::look_after_file() {
    if (!reopening_.is_set() && !is_in_place()) reopening_.after(reopen_delay);
}

/// Clients that are connected stay connected. Those in the backlog of the old socket are lost with
/// it.
void control_server::reopen() {
    if (is_in_place()) return watch_file();
    reopening_.after(reopen_retry); // whatever happens until it is there
    auto fresh = os::open_unix_socket(options_);
    if (!fresh) {
        if (!std::exchange(complained_, true))
            log(severity::error, group_,
                "control socket has vanished and cannot be made again: " + fresh.error().message() +
                    "; trying every second");
        return;
    }
    reopening_.cancel();
    complained_ = false;
    log(severity::warning, group_,
        "control socket " + options_.path + " had vanished; it is there again");
    open(std::move(*fresh));
}

} // namespace einhyrningsins::master
