// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "os/spawn.hpp"
#include "os/unique_fd.hpp"
#include "output/capture.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::master {

/// The writing ends of one worker's pipes into logs; nothing: it writes where the master does. To
/// be closed once the worker has them.
struct worker_output {
    os::unique_fd out, err;

    os::output_descriptors descriptors() const { return {out.get(), err.get()}; }
};

/// Gives a worker its output, or tells why not.
using output_source = std::function<os::result<worker_output>()>;

/// The logs of all groups (SPEC section 6, stdout_log and stderr_log).
class worker_logs {
  public:
    explicit worker_logs(boost::asio::io_context& context) : context_(context) {}

    /// Where paths that are not absolute begin. To be called first.
    void set_directory(std::string directory) { directory_ = std::move(directory); }

    /// Goes on where another master has stopped.
    void take_over(const output::capture_state& from);
    /// All that another master needs to go on.
    output::capture_state state() const;

    /// The output of a new worker of a group.
    os::result<worker_output> open(const config::group_settings& of);

    /// The logs of a group, each once.
    std::vector<output::log_status> status(const config::group_settings& of) const;

    /// Which groups there are, after a change: what no other group writes to is closed in the end.
    void keep_only(const std::vector<const config::group_settings*>& groups);

    /// Takes the last words of the workers, within a time that is bounded.
    void finish();

  private:
    output::capture& capture();
    config::log_spec absolute(const config::log_spec& spec) const;
    std::vector<config::log_spec> specs_of(const config::group_settings& group) const;

    boost::asio::io_context& context_;
    std::string directory_;
    std::optional<output::capture> capture_; ///< made for the first group that wants it
};

} // namespace einhyrningsins::master
