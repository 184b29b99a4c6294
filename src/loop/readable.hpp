// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>

namespace einhyrningsins::loop {

/// Calls a handler whenever a descriptor is readable. The handler never runs after cancel(), for a
/// descriptor that was watched before, or after the object's destruction.
///
/// The handler need not read everything: it is called again as long as something is left. It may
/// use its object in any way, and may destroy it. An exception terminates the handler and is
/// reported, see turns::on_failure; the descriptor is still watched.
class readable {
  public:
    using handler = std::function<void()>;

    /// Watches nothing yet. `context` must outlive it.
    readable(boost::asio::io_context& context, handler hear);
    ~readable();
    readable(const readable&) = delete;
    readable& operator=(const readable&) = delete;

    /// Watches `fd` instead of the previous descriptor. It is borrowed: the caller must keep it
    /// open as long as it is watched. Its open file description becomes non-blocking. Fails if the
    /// system refuses, for lack of memory for instance.
    os::result<void> watch(int fd);
    void cancel();
    bool is_watching() const;

  private:
    struct wait;
    std::shared_ptr<wait> wait_;
};

} // namespace einhyrningsins::loop
