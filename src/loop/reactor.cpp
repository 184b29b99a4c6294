// SPDX-License-Identifier: GPL-3.0-or-later
#include "loop/reactor.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>

namespace einhyrningsins::loop {

void open_reactor(boost::asio::io_context& context) {
    constexpr auto enough = std::chrono::seconds(1);
    bool rang = false;
    boost::asio::steady_timer timer(context, std::chrono::seconds(0));
    timer.async_wait([&](const boost::system::error_code&) { rang = true; });
    context.run_one_for(enough);
    context.restart();
    if (!rang)
        throw boost::system::system_error(ENOMEM, boost::system::generic_category(),
                                          "epoll: the timer is not watched");
}

} // namespace einhyrningsins::loop
