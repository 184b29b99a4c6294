// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/pipe.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace einhyrningsins::master {

/// Waits for the first client of a group that is started by it. Nothing is accepted or received,
/// and the sockets stay as they are: they are watched from a set of its own.
class demand_watch {
  public:
    /// Watches `listeners`; `demanded` is called once, as soon as something waits at one of them,
    /// though not before this returns. Ends with what is returned.
    static os::result<std::unique_ptr<demand_watch>> begin(boost::asio::io_context& context,
                                                           const std::vector<int>& listeners,
                                                           std::function<void()> demanded);
    ~demand_watch();
    demand_watch(const demand_watch&) = delete;
    demand_watch& operator=(const demand_watch&) = delete;

  private:
    demand_watch(boost::asio::io_context& context, os::readable_set set);

    os::readable_set set_;
    boost::asio::posix::stream_descriptor readable_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true); ///< for handlers that outlive this
};

} // namespace einhyrningsins::master
