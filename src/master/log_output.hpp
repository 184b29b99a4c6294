// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/log_descriptor.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace einhyrningsins::master {

/// Log lines on their way to standard error. A reader that has stopped never stops the master: what
/// it does not take is kept up to a bound, and what is beyond is dropped and counted (SPEC section
/// 9).
class log_output {
  public:
    explicit log_output(boost::asio::io_context& context);

    /// Writes `line`, which ends with a newline, or keeps or drops it. Never blocks.
    void write(std::string_view line);

    /// What standard error has not taken yet.
    const std::string& unwritten() const { return kept_; }

    /// Called with the number of dropped lines when the reader has taken all that was kept.
    void on_recovery(std::function<void(std::size_t)> handler) { recovered_ = std::move(handler); }

    /// Whether standard error is a terminal, which likes colours.
    bool is_terminal() const { return descriptor_.is_terminal(); }

  private:
    void wait_until_writable();
    void write_kept();

    os::log_descriptor descriptor_;
    boost::asio::posix::stream_descriptor writable_;
    std::string kept_;
    std::size_t dropped_ = 0;
    std::function<void(std::size_t)> recovered_;
};

} // namespace einhyrningsins::master
