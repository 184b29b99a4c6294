// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>

namespace einhyrningsins::loop {

/// Calls a handler when a descriptor becomes readable or writable, once per request and
/// independently for both directions. No handler runs after the object's destruction.
///
/// A handler may use its object in any way, and may destroy it. An exception terminates the handler
/// and is reported, see turns::on_failure.
class readiness {
  public:
    using handler = std::function<void()>;

    /// `context` must outlive it.
    readiness(boost::asio::io_context& context, handler readable, handler writable);
    ~readiness();
    readiness(const readiness&) = delete;
    readiness& operator=(const readiness&) = delete;

    /// Sets the descriptor; to be called once. It is borrowed: the caller must keep it open as long
    /// as this object exists. Fails if the system refuses, for lack of memory for instance.
    os::result<void> open(int fd);

    /// Request one call of the handler. No effect while a request is pending.
    void await_readable();
    void await_writable();

  private:
    struct wait;
    std::shared_ptr<wait> wait_;
};

} // namespace einhyrningsins::loop
