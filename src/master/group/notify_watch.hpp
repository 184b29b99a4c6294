// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "handoff/state.hpp"
#include "os/notify.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace einhyrningsins::master {

/// The socket where the workers of a group say READY=1, see sd_notify(3).
class notify_watch {
  public:
    /// Called with the processes that have said it since the last time.
    using handler = std::function<void(const std::vector<pid_t>&)>;

    static os::result<std::unique_ptr<notify_watch>> open(boost::asio::io_context& context,
                                                          handler ready);
    /// Goes on with one of another master, whose descriptor is there.
    static std::unique_ptr<notify_watch>
    take_over(boost::asio::io_context& context, const handoff::notify_socket& from, handler ready);
    ~notify_watch();
    notify_watch(const notify_watch&) = delete;
    notify_watch& operator=(const notify_watch&) = delete;

    handoff::notify_socket hand_over() const { return {socket_.fd(), socket_.address()}; }
    const std::string& address() const { return socket_.address(); }

  private:
    notify_watch(boost::asio::io_context& context, os::notify_socket socket, handler ready);
    void await();

    os::notify_socket socket_;
    boost::asio::posix::stream_descriptor readable_;
    handler ready_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true); ///< for handlers that outlive this
};

} // namespace einhyrningsins::master
