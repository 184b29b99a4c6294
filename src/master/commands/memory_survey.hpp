// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/worker.hpp"
#include "loop/background.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <vector>

namespace einhyrningsins::master {

/// Finds out how much memory processes use, on a helper thread: to read /proc for many of them
/// takes time that the loop does not have.
class memory_survey {
  public:
    /// The resident memory in bytes of each process that exists.
    using sizes = std::map<core::process_id, std::uint64_t>;
    using handler = std::function<void(const sizes&)>;

    /// `context` has to outlive it.
    explicit memory_survey(boost::asio::io_context& context);

    /// Calls `done` once, later in the loop, or at once and with nothing if no helper can be had.
    void take(std::vector<core::process_id> processes, handler done);
    /// Calls what take() was given and has not called yet, with nothing: there is no other turn of
    /// the loop.
    void finish();

  private:
    struct survey {
        handler done;
        loop::background::job job;
    };

    void deliver(survey& which, const sizes& found);

    loop::background helpers_;
    std::list<survey> surveys_; ///< under way
};

} // namespace einhyrningsins::master
