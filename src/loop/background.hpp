// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "loop/readable.hpp"
#include "os/background.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <utility>

namespace einhyrningsins::loop {

/// Jobs of one kind on helper threads, see os::background, whose results the loop delivers.
class background {
  public:
    using limits = os::background::limits;
    using job = os::background::job;

    /// `context` has to outlive it. Before the first job there is no descriptor.
    background(boost::asio::io_context& context, limits most)
        : jobs_(most),
          finished_(context, [this] { jobs_.deliver(); }) {}

    /// Calls `work()` on a helper thread and `done(result)` in the loop, see os::background::run().
    /// If it fails, also because the system does not let the loop watch for results, the job has
    /// not begun.
    template <class Work, class Done>
    os::result<job> run(Work work, Done done) {
        if (auto watched = watch(); !watched) return watched.error();
        return jobs_.run(std::move(work), std::move(done));
    }

    /// Waits for at most `longest` until a job has ended, and delivers the results that are there,
    /// for those who cannot wait in the loop.
    void wait(std::chrono::nanoseconds longest) {
        jobs_.wait(longest);
        jobs_.deliver();
    }

  private:
    os::result<void> watch() {
        if (finished_.is_watching()) return {};
        if (auto opened = jobs_.open(); !opened) return opened;
        return finished_.watch(jobs_.descriptor());
    }

    os::background jobs_;
    readable finished_;
};

} // namespace einhyrningsins::loop
