// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/control_server.hpp"

#include "master/logging.hpp"
#include "master/start_failure.hpp"
#include "os/process.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <memory>

namespace einhyrningsins::master {
namespace {

namespace asio = boost::asio;
using core::severity;
using namespace std::chrono_literals;

/// Out of descriptors: how long nobody is accepted. Whoever knocks waits in the backlog.
constexpr auto accept_pause = 100ms;
/// Descriptors that clients cannot use up: the master has other work to do with them.
constexpr std::size_t kept_descriptors = 64;
/// Whoever removes our socket may be about to remove its directory as well.
constexpr auto reopen_delay = 200ms;
constexpr auto reopen_retry = 1s;

} // namespace

control_server::control_server(asio::io_context& context, const os::unix_socket_options& wishes,
                               control_connection::line_handler handler,
                               const std::optional<handoff::control_socket>& from)
    : context_(context),
      wishes_(wishes),
      handler_(std::move(handler)),
      acceptor_(context),
      pause_(context),
      watched_(context),
      reopen_timer_(context),
      connections_(std::make_shared<control_connection::registry>()),
      most_clients_(std::max<std::size_t>(os::descriptor_limit(), kept_descriptors + 1) -
                    kept_descriptors) {
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
    if (watched_.is_open()) watched_.release(); // watch_ closes it
    os::remove_socket_file(file_);
}

void control_server::open(os::unix_socket fresh) {
    file_ = fresh.file;
    acceptor_ = protocol_type::acceptor(context_, protocol_type(), fresh.fd.release());
    acceptor_.non_blocking(true);
    accept();
    watch();
}

void control_server::accept() {
    acceptor_.async_accept([this](boost::system::error_code error, protocol_type::socket client) {
        if (error == asio::error::operation_aborted) return;
        if (error) {
            log(severity::warning, "", "control socket: cannot accept: " + error.message());
            return pause();
        }
        if (++clients_ < most_clients_)
            accept();
        else
            pause();
        auto who = os::peer_of(client.native_handle());
        if (who)
            serve(connect(std::move(client), std::move(*who)));
        else
            --clients_;
    });
}

void control_server::pause() {
    pause_.expires_after(accept_pause);
    pause_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        if (clients_ < most_clients_)
            accept();
        else
            pause();
    });
}

void control_server::adopt(os::unique_fd socket, os::peer who) {
    ++clients_;
    serve(connect({context_, protocol_type(), socket.release()}, std::move(who)));
}

std::shared_ptr<control_connection> control_server::connect(protocol_type::socket socket,
                                                            os::peer who) {
    return std::make_shared<control_connection>(std::move(socket), std::move(who), handler_,
                                                connections_);
}

void control_server::serve(std::shared_ptr<control_connection> client) {
    asio::co_spawn(context_, control_connection::serve(std::move(client)),
                   [this](std::exception_ptr) { --clients_; });
}

void control_server::hand_over(handoff::state& into) {
    into.control = {acceptor_.native_handle(), {file_.path, file_.device, file_.inode}};
    for (control_connection* client : *connections_)
        if (client->is_open()) into.connections.push_back(client->hand_over());
}

std::shared_ptr<control_connection> control_server::take_over(const handoff::connection& from) {
    os::peer who{from.pid, from.uid, from.gid, {from.groups.begin(), from.groups.end()}};
    auto client = connect({context_, protocol_type(), from.fd}, std::move(who));
    client->take_over(from);
    ++clients_;
    serve(client);
    return client;
}

void control_server::watch() {
    if (watched_.is_open()) watched_.release();
    auto fresh = os::file_watch::open(wishes_.path);
    if (!fresh) {
        if (!os::is_in_place(file_)) return reopen_after(reopen_delay);
        log(severity::warning, "", "control socket: cannot be watched: " + fresh.error().message());
        return;
    }
    watch_ = std::move(*fresh);
    watched_.assign(watch_->fd());
    await_change();
}

void control_server::await_change() {
    // It may have vanished before it was watched, too.
    if (!os::is_in_place(file_)) return reopen_after(reopen_delay);
    watched_.async_wait(asio::posix::stream_descriptor::wait_read,
                        [this](const boost::system::error_code& error) {
                            if (error) return;
                            watch_->drain();
                            await_change();
                        });
}

void control_server::reopen_after(std::chrono::milliseconds delay) {
    reopen_timer_.expires_after(delay);
    reopen_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) reopen();
    });
}

/// Those who are connected stay so; those who wait in the backlog of the old socket are lost with
/// it, as nobody else could reach it any more.
void control_server::reopen() {
    auto fresh = os::open_unix_socket(wishes_);
    if (!fresh) {
        if (!std::exchange(complained_, true))
            log(severity::error, "",
                "control socket has vanished and cannot be made again: " + fresh.error().message() +
                    "; trying every second");
        return reopen_after(reopen_retry);
    }
    complained_ = false;
    log(severity::warning, "",
        "control socket " + wishes_.path + " had vanished; it is there again");
    open(std::move(*fresh));
}

} // namespace einhyrningsins::master
