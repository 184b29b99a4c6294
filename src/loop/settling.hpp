// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "loop/alarm.hpp"
#include "os/os_error.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <utility>

namespace einhyrningsins::loop {

/// A pause in the jobs of helper threads, before the process executes another program. Between
/// begin() and end() whoever has jobs takes no new ones, and calls succeed() when the last of those
/// that it has is done.
class settling {
  public:
    using handler = std::function<void(os::result<void>)>;

    /// `why_not` says what does not answer, when it has taken too long.
    settling(boost::asio::io_context& context, std::function<os::os_error()> why_not)
        : why_not_(std::move(why_not)),
          patience_(context, [this] { give_up(); }) {}

    /// Calls `settled` upon succeed(), or with an error upon give_up() or after `longest`. Must not
    /// be called again before that, or before end().
    void begin(core::duration longest, handler settled) {
        has_begun_ = true;
        settled_ = std::move(settled);
        patience_.after(longest);
    }
    /// Whether begin() was called last.
    bool has_begun() const { return has_begun_; }
    /// Whether jobs are still waited for.
    bool is_waiting() const { return settled_ != nullptr; }

    void succeed() { tell({}); }
    void give_up() { tell(why_not_()); }
    /// `settled` will not be called any more.
    void end() {
        has_begun_ = false;
        settled_ = nullptr;
        patience_.cancel();
    }

  private:
    void tell(os::result<void> result) {
        patience_.cancel();
        if (auto settled = std::exchange(settled_, nullptr)) settled(std::move(result));
    }

    std::function<os::os_error()> why_not_;
    bool has_begun_ = false;
    handler settled_;
    alarm patience_;
};

} // namespace einhyrningsins::loop
