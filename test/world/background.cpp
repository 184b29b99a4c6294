// SPDX-License-Identifier: GPL-3.0-or-later
//
// os/background without threads: jobs are done in virtual time.
#include "os/background.hpp"
#include "os/low_numbers.hpp"
#include "os/pipe.hpp"
#include "os/unique_fd.hpp"
#include "world/calls/call.hpp"
#include "world/image.hpp"

#include <algorithm>
#include <functional>
#include <list>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

using world::instant;

/// How long a job takes, unless something else delays it.
constexpr instant length_of_job = std::chrono::microseconds(100);

} // namespace

struct background::shared : std::enable_shared_from_this<background::shared> {
    explicit shared(limits allowed) : most(allowed) {}

    result<void> open() {
        if (news) return {};
        news.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (!news) return last_error("eventfd");
        leave_low_numbers(news);
        return {};
    }

    /// With one thread a job begins when the one before has ended.
    instant end_of_next() {
        instant now = world::simulation()->now();
        free_at = (most.threads == 1 ? std::max(now, free_at) : now) + length_of_job;
        return free_at;
    }

    /// What is left of a program that was replaced or killed is never touched: not even to destroy
    /// it, which would close descriptors.
    void schedule(std::shared_ptr<task> fresh) {
        auto* self = new std::weak_ptr<shared>(weak_from_this());
        auto* what = new std::weak_ptr<task>(fresh);
        waiting.push_back(std::move(fresh));
        world::simulation()->after(end_of_next() - world::simulation()->now(),
                                   [self, what, image = world::image::number()] {
                                       if (image != world::image::number()) return;
                                       auto of = self->lock();
                                       auto next = what->lock();
                                       if (of && next) of->carry_out(next);
                                   });
    }

    void carry_out(const std::shared_ptr<task>& next) {
        if (std::erase(waiting, next) == 0) return; // it was withdrawn
        next->work();
        finished.push_back(next);
        std::uint64_t increment = 1;
        (void)!::write(news.get(), &increment, sizeof increment);
    }

    const limits most;
    std::list<std::shared_ptr<task>> waiting, finished;
    instant free_at{};
    unique_fd news;
};

background::background(limits most) : shared_(std::make_shared<shared>(most)) {}

background::~background() {
    for (auto* list : {&shared_->waiting, &shared_->finished})
        for (const auto& unwanted : std::exchange(*list, {})) {
            unwanted->dropped = true;
            unwanted->forget();
        }
}

result<background::job> background::add(std::shared_ptr<task> fresh) {
    if (auto done = shared_->open(); !done) return done.error();
    if (shared_->waiting.size() >= shared_->most.jobs)
        return os_error{std::to_string(shared_->most.jobs) + " such jobs are waiting already"};
    shared_->schedule(fresh);
    return job(shared_, std::move(fresh));
}

void background::drop(shared& from, task& unwanted) {
    unwanted.dropped = true;
    unwanted.forget();
    std::erase_if(from.waiting, [&](const auto& known) { return known.get() == &unwanted; });
}

result<void> background::open() { return shared_->open(); }

int background::descriptor() const { return shared_->news.get(); }

void background::wait(std::chrono::nanoseconds longest) const {
    wait_readable(descriptor(), longest);
}

/// A job may end during the read.
void background::deliver() {
    std::uint64_t count;
    do {
        while (!shared_->finished.empty()) {
            auto next = std::move(shared_->finished.front());
            shared_->finished.pop_front();
            if (!next->dropped) next->deliver();
        }
        if (shared_->news) (void)!::read(shared_->news.get(), &count, sizeof count);
    } while (!shared_->finished.empty());
}

void background::on_shortage(std::function<void(const os_error&)>) {}

unsigned background::threads() { return 0; }

} // namespace einhyrningsins::os
