// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/demand_watch.hpp"

#include <utility>

namespace einhyrningsins::master {

os::result<std::unique_ptr<demand_watch>> demand_watch::begin(boost::asio::io_context& context,
                                                              const std::vector<int>& listeners,
                                                              std::function<void()> demanded) {
    auto set = os::readable_set::make();
    if (!set) return set.error();
    for (int one : listeners)
        if (!set->add(one)) return os::last_error("watching for the first client");
    std::unique_ptr<demand_watch> made(new demand_watch(context, std::move(*set)));
    made->readable_.async_wait(
        boost::asio::posix::stream_descriptor::wait_read,
        [alive = std::weak_ptr(made->alive_),
         demanded = std::move(demanded)](const boost::system::error_code& error) {
            if (!error && !alive.expired()) demanded();
        });
    return made;
}

demand_watch::demand_watch(boost::asio::io_context& context, os::readable_set set)
    : set_(std::move(set)),
      readable_(context, set_.fd()) {}

demand_watch::~demand_watch() { readable_.release(); } // set_ closes it

} // namespace einhyrningsins::master
