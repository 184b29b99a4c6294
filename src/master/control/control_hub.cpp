// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/control/control_hub.hpp"

#include "master/control/control_server.hpp"
#include "os/process.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>

namespace einhyrningsins::master {
namespace {

namespace asio = boost::asio;
using protocol_type = asio::local::stream_protocol;

/// Descriptors that clients cannot use up: the master has other work to do with them.
constexpr std::size_t kept_descriptors = 64;

} // namespace

control_hub::control_hub(asio::io_context& context, control_connection::line_handler handler)
    : context_(context),
      handler_(std::move(handler)),
      connections_(std::make_shared<control_connection::registry>()),
      most_clients_(std::max<std::size_t>(os::descriptor_limit(), kept_descriptors + 1) -
                    kept_descriptors),
      watched_(context) {}

control_hub::~control_hub() {
    if (watched_.is_open()) watched_.release(); // watch_ closes it
}

void control_hub::hand_over(handoff::state& into) const {
    for (control_connection* client : *connections_)
        if (client->is_open()) into.connections.push_back(client->hand_over());
}

std::shared_ptr<control_connection> control_hub::take_over(const handoff::connection& from) {
    os::peer who{from.pid, from.uid, from.gid, {from.groups.begin(), from.groups.end()}};
    auto client = connect({context_, protocol_type(), from.fd}, std::move(who), from.group);
    client->take_over(from);
    serve(client);
    return client;
}

void control_hub::adopt(os::unique_fd socket, os::peer who) {
    serve({context_, protocol_type(), socket.release()}, std::move(who), "");
}

void control_hub::serve(control_connection::socket_type socket, os::peer who,
                        const std::string& group) {
    serve(connect(std::move(socket), std::move(who), group));
}

std::shared_ptr<control_connection> control_hub::connect(control_connection::socket_type socket,
                                                         os::peer who, const std::string& group) {
    return std::make_shared<control_connection>(std::move(socket), std::move(who), group, handler_,
                                                connections_);
}

void control_hub::serve(std::shared_ptr<control_connection> client) {
    ++clients_;
    asio::co_spawn(context_, control_connection::serve(std::move(client)),
                   [this](std::exception_ptr) { --clients_; });
}

os::result<void> control_hub::watch(const std::string& path, control_server* who) {
    if (std::ranges::find(watchers_, who) == watchers_.end()) watchers_.push_back(who);
    if (watch_) return watch_->add(path);
    auto fresh = os::file_watch::open(path);
    if (!fresh) return fresh.error();
    watch_ = std::move(*fresh);
    watched_.assign(watch_->fd());
    await_change();
    return {};
}

void control_hub::remove(control_server* who) { std::erase(watchers_, who); }

void control_hub::await_change() {
    watched_.async_wait(asio::posix::stream_descriptor::wait_read,
                        [this](const boost::system::error_code& error) {
                            if (error) return;
                            watch_->drain();
                            for (control_server* each : watchers_)
                                each->look_after_file();
                            await_change();
                        });
}

} // namespace einhyrningsins::master
