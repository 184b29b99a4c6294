// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/asio/io_context.hpp>

namespace einhyrningsins::loop {

/// Opens what `context`, which is new, waits with: epoll and its timer. Without this, Asio does so
/// when they are needed first, and does not notice when the timer cannot be watched. Throws
/// boost::system::system_error if the system refuses any of it; the context is of no use then.
void open_reactor(boost::asio::io_context& context);

} // namespace einhyrningsins::loop
