// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/control/control_server.hpp"

#include "master/logging.hpp"
#include "master/start_failure.hpp"
#include "os/low_numbers.hpp"

namespace einhyrningsins::master {
namespace {

namespace asio = boost::asio;
using core::severity;
using namespace std::chrono_literals;

/// Out of descriptors: how long nobody is accepted. Whoever knocks waits in the backlog.
constexpr auto accept_pause = 100ms;
/// Whoever removes our socket may be about to remove its directory as well.
constexpr auto reopen_delay = 200ms;
constexpr auto reopen_retry = 1s;

} // namespace

control_server::control_server(control_hub& hub, os::unix_socket_options wishes, std::string group,
                               const std::optional<handoff::control_socket>& from)
    : hub_(hub),
      wishes_(std::move(wishes)),
      group_(std::move(group)),
      acceptor_(hub.context()) {
    open(obtain(from));
}

os::unix_socket control_server::obtain(const std::optional<handoff::control_socket>& from) const {
    if (from && from->fd >= 0)
        return {os::unique_fd(from->fd), {from->file.path, from->file.device, from->file.inode}};
    auto fresh = os::open_unix_socket(wishes_);
    if (!fresh) throw start_failure("control socket: " + fresh.error().message());
    return std::move(*fresh);
}

control_server::~control_server() {
    hub_.remove(this);
    os::remove_socket_file(file_);
}

void control_server::open(os::unix_socket fresh) {
    file_ = std::move(fresh.file);
    os::leave_low_numbers(fresh.fd);
    acceptor_ = protocol_type::acceptor(hub_.context(), protocol_type(), fresh.fd.release());
    acceptor_.non_blocking(true);
    accept();
    auto watched = hub_.watch(wishes_.path, this);
    if (!watched && os::is_in_place(file_))
        log(severity::warning, group_,
            "control socket: cannot be watched: " + watched.error().message());
    look_after_file(); // it may have vanished before it was watched, too
}

template <class Deed>
void control_server::run_after(timer& which, std::chrono::milliseconds delay, Deed deed) {
    which = std::make_unique<asio::steady_timer>(hub_.context(), delay);
    which->async_wait(
        [&which, deed, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
            if (error || alive.expired()) return;
            which.reset();
            deed();
        });
}

void control_server::accept() {
    acceptor_.async_accept([this, alive = std::weak_ptr(alive_)](boost::system::error_code error,
                                                                 protocol_type::socket client) {
        if (alive.expired() || error == asio::error::operation_aborted) return;
        if (error) {
            log(severity::warning, group_, "control socket: cannot accept: " + error.message());
            return pause();
        }
        if (auto who = os::peer_of(client.native_handle()))
            hub_.serve(std::move(client), std::move(*who), group_);
        if (hub_.is_full())
            pause();
        else
            accept();
    });
}

void control_server::pause() {
    run_after(pause_, accept_pause, [this] {
        if (hub_.is_full())
            pause();
        else
            accept();
    });
}

handoff::control_socket control_server::hand_over() {
    return {acceptor_.native_handle(), {file_.path, file_.device, file_.inode}};
}

void control_server::change_mode(mode_t mode) {
    if (wishes_.mode == mode) return;
    wishes_.mode = mode;
    if (auto done = os::set_rights(file_, wishes_); !done)
        log(severity::error, group_, "control socket: " + done.error().message());
}

void control_server::look_after_file() {
    if (!reopen_timer_ && !os::is_in_place(file_)) reopen_after(reopen_delay);
}

void control_server::reopen_after(std::chrono::milliseconds delay) {
    run_after(reopen_timer_, delay, [this] { reopen(); });
}

/// Those who are connected stay so; those who wait in the backlog of the old socket are lost with
/// it, as nobody else could reach it any more.
void control_server::reopen() {
    auto fresh = os::open_unix_socket(wishes_);
    if (!fresh) {
        if (!std::exchange(complained_, true))
            log(severity::error, group_,
                "control socket has vanished and cannot be made again: " + fresh.error().message() +
                    "; trying every second");
        return reopen_after(reopen_retry);
    }
    complained_ = false;
    log(severity::warning, group_,
        "control socket " + wishes_.path + " had vanished; it is there again");
    open(std::move(*fresh));
}

} // namespace einhyrningsins::master
