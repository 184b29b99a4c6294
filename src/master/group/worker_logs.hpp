// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "core/time.hpp"
#include "core/worker.hpp"
#include "loop/alarm.hpp"
#include "master/group/orphan_log.hpp"
#include "os/identity.hpp"
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

/// Gives a worker its output, or tells why not; worker 0 is the template process that makes them
/// (-p).
using output_source = std::function<os::result<worker_output>(core::worker_id)>;

/// The logs of all groups (SPEC section 6, stdout_log and stderr_log).
class worker_logs {
  public:
    /// Goes on where another master has stopped; at a cold start there is nothing in `from`.
    /// `directory` is where paths that are not absolute begin.
    worker_logs(boost::asio::io_context& context, std::string directory,
                const model::logs_state& from);

    /// Calls `settled` as soon as no file is being written, and has nothing written until resume(),
    /// see capture::settle().
    void settle(core::duration longest, std::function<void(os::result<void>)> settled);
    void resume();
    /// All that another master needs to go on, once it is settled.
    model::logs_state state() const;

    /// The output of a new worker of a group, whose pipes belong to the user that it runs as.
    /// `is_alive` tells whether owners of the group's other pipes still exist: of those that do
    /// not, a bounded number of pipes stays open, see output::capture::close_orphans().
    os::result<worker_output> open(const config::group_settings& of,
                                   const model::stream_owner& owner,
                                   const std::optional<os::identity>& user,
                                   const std::function<bool(const model::stream_owner&)>& is_alive);

    /// The logs of a group, each once.
    std::vector<output::log_status> status(const config::group_settings& of) const;

    /// Which groups there are, after a change: what no other group writes to is closed in the end.
    void keep_only(const std::vector<const config::group_settings*>& groups);

    /// Takes the last words of the workers, within a time that is bounded.
    void finish();

  private:
    output::capture& capture();
    config::log_spec absolute(const config::log_spec& spec) const;
    void close_orphans(const std::string& group,
                       const std::function<bool(const model::stream_owner&)>& is_alive);
    void tell_closed();
    static void tell_closed(const std::vector<orphan_log::line>& lines);
    std::vector<config::log_spec> specs_of(const config::group_settings& group) const;

    boost::asio::io_context& context_;
    std::string directory_;
    orphan_log closed_;
    loop::alarm closed_alarm_;
    std::optional<output::capture> capture_; ///< made for the first group that wants it
    bool is_settling_ = false;               ///< nothing is written until resume()
};

} // namespace einhyrningsins::master
