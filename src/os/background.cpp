// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/background.hpp"
#include "core/assert.hpp"

#include "os/low_numbers.hpp"
#include "os/pipe.hpp"
#include "os/unique_fd.hpp"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <new>
#include <utility>

#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

/// Enough for the modules of the name service switch, which are written for any program's threads.
constexpr std::size_t stack_size = 1024 * 1024;

std::atomic<unsigned> all_threads = 0;

std::function<void(const os_error&)> shortage_handler;
bool is_shortage_told = false;

/// Reports the first of several failures in a row.
void tell_shortage(int error) {
    if (std::exchange(is_shortage_told, true) || !shortage_handler) return;
    shortage_handler(os_error{"helper thread", error});
}

/// All signals are for the loop, except those by which a fault of the thread itself is reported.
void block_signals(sigset_t& before) {
    sigset_t blocked;
    sigfillset(&blocked);
    for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS})
        sigdelset(&blocked, fault);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
}

mode_t current_umask() {
    mode_t mask = ::umask(077);
    ::umask(mask);
    return mask;
}

/// Returns an errno value, or 0.
int start_thread(void* (*serve)(void*), void* argument) {
    pthread_attr_t how;
    pthread_attr_init(&how);
    pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&how, stack_size);
    sigset_t before;
    block_signals(before); // which the new thread inherits
    pthread_t ignored;
    int error = pthread_create(&ignored, &how, serve, argument);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_attr_destroy(&how);
    return error;
}

} // namespace

/// What the loop and the threads share. All members are guarded by `mutex`. A task stays in the
/// list element that add() has made, which is moved from list to list: the threads need no memory,
/// whose lack would end the process there.
struct background::shared {
    using tasks = std::list<std::shared_ptr<task>>;

    explicit shared(limits allowed) : most(allowed) {}

    result<void> open();
    result<void> add(const std::shared_ptr<shared>& self, const std::shared_ptr<task>& fresh);
    result<int> enqueue(const std::shared_ptr<shared>& self, tasks& fresh);
    int ensure_thread(const std::shared_ptr<shared>& self);
    std::shared_ptr<task> take_finished();
    void drop(task& unwanted);
    void close();

    /// What a thread is started with.
    struct beginning {
        std::shared_ptr<shared> of;
        mode_t umask;
    };
    static void* serve(void* argument);
    void serve();
    bool await_task(std::unique_lock<std::mutex>& lock);
    void finish(tasks::iterator done);

    const limits most;
    std::mutex mutex;
    std::condition_variable wake;
    tasks waiting;
    tasks running;
    tasks finished;
    unsigned threads = 0;
    unsigned idle = 0;      ///< threads that wait for a job
    bool is_closed = false; ///< results are not wanted any more
    unique_fd news;         ///< an eventfd, readable while there is something in `finished`
};

result<void> background::shared::open() {
    if (news) return {};
    news.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!news) return last_error("eventfd");
    leave_low_numbers(news);
    return {};
}

/// Without any thread the caller does the job, and has the result delivered like any other.
result<void> background::shared::add(const std::shared_ptr<shared>& self,
                                     const std::shared_ptr<task>& fresh) {
    tasks element{fresh};
    auto place = element.begin();
    auto error = enqueue(self, element);
    if (!error) return error.error();
    if (*error == 0) return {};
    tell_shortage(*error);
    fresh->work();
    std::lock_guard lock(mutex);
    finish(place);
    return {};
}

/// Returns why there is no thread that will do the job, an errno value; 0: there is one.
result<int> background::shared::enqueue(const std::shared_ptr<shared>& self, tasks& fresh) {
    std::lock_guard lock(mutex);
    if (auto done = open(); !done) return done.error();
    if (waiting.size() + running.size() >= most.jobs)
        return os_error{std::to_string(most.jobs) + " such jobs are waiting already"};
    auto place = fresh.begin();
    waiting.splice(waiting.end(), fresh);
    int error = ensure_thread(self);
    if (error != 0) running.splice(running.end(), waiting, place);
    return error;
}

/// A job that waits for a busy thread needs no thread of its own. Returns an errno value, or 0.
int background::shared::ensure_thread(const std::shared_ptr<shared>& self) {
    if (idle >= waiting.size()) return wake.notify_one(), 0;
    if (threads == most.threads) return 0;
    auto argument = std::unique_ptr<beginning>(new (std::nothrow) beginning{self, current_umask()});
    if (!argument) return threads == 0 ? ENOMEM : 0;
    int error = start_thread(&shared::serve, argument.get());
    if (error != 0) return threads == 0 ? error : 0;
    (void)argument.release(); // owned by the thread now
    is_shortage_told = false;
    ++threads;
    ++all_threads;
    return 0;
}

void* background::shared::serve(void* argument) {
    auto own = std::unique_ptr<beginning>(static_cast<beginning*>(argument));
    if (::unshare(CLONE_FS) == 0) ::umask(own->umask); // the loop changes its own for moments
    own->of->serve();
    return nullptr;
}

void background::shared::serve() {
    std::unique_lock lock(mutex);
    while (await_task(lock)) {
        auto place = waiting.begin();
        running.splice(running.end(), waiting, place);
        auto next = *place; // shared, as close() takes all lists
        lock.unlock();
        next->work();
        lock.lock();
        finish(place);
    }
    --threads;
    --all_threads;
}

/// Returns whether there is a task.
bool background::shared::await_task(std::unique_lock<std::mutex>& lock) {
    auto has_something = [this] { return is_closed || !waiting.empty(); };
    if (!has_something() && most.linger.count() > 0) {
        ++idle;
        wake.wait_for(lock, most.linger, has_something);
        --idle;
    }
    return !is_closed && !waiting.empty();
}

void background::shared::finish(tasks::iterator done) {
    if (is_closed) return;
    finished.splice(finished.end(), running, done);
    std::uint64_t increment = 1;
    (void)!::write(news.get(), &increment, sizeof increment);
}

/// The descriptor stays readable until all tasks have been taken.
std::shared_ptr<background::task> background::shared::take_finished() {
    std::lock_guard lock(mutex);
    if (finished.empty()) {
        std::uint64_t count;
        if (news) (void)!::read(news.get(), &count, sizeof count);
        return nullptr;
    }
    auto first = std::move(finished.front());
    finished.pop_front();
    return first;
}

void background::shared::drop(task& unwanted) {
    unwanted.dropped = true;
    unwanted.forget();
    std::lock_guard lock(mutex);
    std::erase_if(waiting, [&](const auto& known) { return known.get() == &unwanted; });
}

/// What the jobs hold is destroyed in the loop, with the mutex unlocked.
void background::shared::close() {
    tasks all;
    {
        std::lock_guard lock(mutex);
        is_closed = true;
        all.splice(all.end(), waiting);
        all.splice(all.end(), running);
        all.splice(all.end(), finished);
        wake.notify_all();
    }
    for (const auto& unwanted : all) {
        unwanted->dropped = true;
        unwanted->forget();
    }
}

background::background(limits most) : shared_(std::make_shared<shared>(most)) {
    assert(most.threads > 0);
}

background::~background() { shared_->close(); }

result<background::job> background::add(std::shared_ptr<task> fresh) {
    auto done = shared_->add(shared_, fresh);
    if (!done) return done.error();
    return job(shared_, std::move(fresh));
}

void background::drop(shared& from, task& unwanted) { from.drop(unwanted); }

result<void> background::open() {
    std::lock_guard lock(shared_->mutex);
    return shared_->open();
}

int background::descriptor() const { return shared_->news.get(); }

void background::wait(std::chrono::nanoseconds longest) const {
    wait_readable(descriptor(), longest);
}

void background::deliver() {
    while (auto next = shared_->take_finished())
        if (!next->dropped) next->deliver();
}

void background::on_shortage(std::function<void(const os_error&)> handler) {
    shortage_handler = std::move(handler);
}

unsigned background::threads() { return all_threads; }

} // namespace einhyrningsins::os
