// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace einhyrningsins::os {

/// Runs jobs of one kind on helper threads, so that the thread of the loop does not wait for what
/// they wait for: a name server, the user database, a disk. The results are delivered in the loop.
///
/// A thread is started for a job and ends when there are no more jobs. All signals except those of
/// the thread's own faults are blocked in it. It has a umask and a working directory of its own
/// where the system permits. An exec and the end of the process wait for it only while it is in a
/// system call that SIGKILL does not interrupt, such as a write to a frozen file system. It must
/// not start children: PR_SET_PDEATHSIG would tell them that their parent has died.
///
/// If no thread can be started (a resource limit, a seccomp profile that refuses clone3(2)), run()
/// itself does the job.
///
/// A job and its result belong to one thread at a time. A job must own what it uses: it may outlive
/// everything else.
class background {
  public:
    struct limits {
        unsigned threads = 1;  ///< at most; with one, jobs are done in the order of run()
        std::size_t jobs = 64; ///< waiting and running ones, at most; more are refused
        /// How long a thread waits for another job before it ends.
        std::chrono::milliseconds linger{0};
    };

    /// A job that was accepted. Its destructor withdraws it: a job that has not begun is not done,
    /// and the result of one that has begun is not delivered, though it goes on. Nobody can say
    /// which of the two it was.
    class job;

    explicit background(limits most);
    /// Withdraws all jobs. A thread that is busy ends after its job.
    ~background();
    background(const background&) = delete;
    background& operator=(const background&) = delete;

    /// Calls `work()` on a helper thread, and later, in deliver(), `done(result)`, where the result
    /// is the os::result of what work() returned. If work() throws, the error has the text of the
    /// exception. Fails, and neither is called, if there are too many jobs or no descriptor is
    /// free.
    template <class Work, class Done>
    result<job> run(Work work, Done done);

    /// Makes descriptor(), so that it can be watched before a job begins. run() does so itself.
    result<void> open();
    /// Readable when deliver() has something to do; -1 before open() or the first run().
    int descriptor() const;
    /// Waits for at most `longest` until deliver() has something to do.
    void wait(std::chrono::nanoseconds longest) const;
    /// Calls done() of the jobs that have ended. If one throws, the exception is passed on, and the
    /// remaining ones are called by the next deliver().
    void deliver();

    /// Sets whom run() tells that no thread could be started, and why: the first time, and again
    /// after one could be.
    static void on_shortage(std::function<void(const os_error&)> handler);

    /// The number of threads of all objects of this class.
    static unsigned threads();

  private:
    class task {
      public:
        virtual ~task() = default;
        virtual void work() noexcept = 0; ///< on a helper thread
        virtual void deliver() = 0;       ///< in the loop, like forget()
        virtual void forget() = 0;        ///< the result is not wanted any more
        std::atomic<bool> dropped = false;
    };
    template <class Work, class Done>
    class task_of;
    struct shared;

    result<job> add(std::shared_ptr<task> fresh);
    static void drop(shared& from, task& unwanted);

    std::shared_ptr<shared> shared_; ///< by this object and the threads
};

class background::job {
  public:
    job() = default;
    job(job&&) noexcept = default;
    job& operator=(job&& other) noexcept {
        drop();
        from_ = std::move(other.from_);
        task_ = std::move(other.task_);
        return *this;
    }
    ~job() { drop(); }

  private:
    friend class background;
    job(std::shared_ptr<shared> from, std::shared_ptr<task> accepted)
        : from_(std::move(from)),
          task_(std::move(accepted)) {}
    void drop() {
        if (auto unwanted = std::exchange(task_, nullptr)) background::drop(*from_, *unwanted);
    }

    std::shared_ptr<shared> from_;
    std::shared_ptr<task> task_;
};

template <class Work, class Done>
class background::task_of : public task {
  public:
    using value = std::invoke_result_t<Work>;

    task_of(Work work, Done done) : work_(std::move(work)), done_(std::move(done)) {}

    void work() noexcept override {
        try {
            if constexpr (std::is_void_v<value>) {
                work_();
                result_.emplace(boost::system::in_place_value);
            } else {
                result_.emplace(boost::system::in_place_value, work_());
            }
        } catch (...) {
            unexpected_ = std::current_exception();
        }
    }

    void deliver() override {
        if (!done_) return;
        Done done = std::move(*done_); // which may withdraw this job
        done_.reset();
        if (!result_) result_.emplace(boost::system::in_place_error, error());
        done(std::move(*result_));
    }

    void forget() override { done_.reset(); }

  private:
    os_error error() const {
        try {
            std::rethrow_exception(unexpected_);
        } catch (const std::exception& unexpected) {
            return os_error{unexpected.what()};
        } catch (...) {
            return os_error{"unknown exception"};
        }
    }

    Work work_;
    std::optional<Done> done_; ///< owned by the loop's thread, as what it holds may be
    std::optional<result<value>> result_;
    std::exception_ptr unexpected_;
};

template <class Work, class Done>
result<background::job> background::run(Work work, Done done) {
    return add(std::make_shared<task_of<Work, Done>>(std::move(work), std::move(done)));
}

} // namespace einhyrningsins::os
