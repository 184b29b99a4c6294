// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/notify_watch.hpp"

#include <utility>

namespace einhyrningsins::master {

os::result<std::unique_ptr<notify_watch>> notify_watch::open(boost::asio::io_context& context,
                                                             handler ready) {
    auto opened = os::notify_socket::open();
    if (!opened) return opened.error();
    return std::unique_ptr<notify_watch>(
        new notify_watch(context, std::move(*opened), std::move(ready)));
}

std::unique_ptr<notify_watch> notify_watch::take_over(boost::asio::io_context& context,
                                                      const handoff::notify_socket& from,
                                                      handler ready) {
    auto socket = os::notify_socket::adopt(os::unique_fd(from.fd), from.address);
    return std::unique_ptr<notify_watch>(
        new notify_watch(context, std::move(socket), std::move(ready)));
}

notify_watch::notify_watch(boost::asio::io_context& context, os::notify_socket socket,
                           handler ready)
    : socket_(std::move(socket)),
      readable_(context, socket_.fd()),
      ready_(std::move(ready)) {
    await();
}

notify_watch::~notify_watch() { readable_.release(); } // socket_ closes it

void notify_watch::await() {
    readable_.async_wait(
        boost::asio::posix::stream_descriptor::wait_read,
        [this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
            if (error || alive.expired()) return;
            await(); // first: what follows may fail
            auto senders = socket_.receive();
            if (!senders.empty()) ready_(senders);
        });
}

} // namespace einhyrningsins::master
