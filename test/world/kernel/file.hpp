// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "world/kernel/channel.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include <cerrno>
#include <poll.h>
#include <sys/stat.h>

namespace einhyrningsins::world {

/// Since the simulated machine has booted.
using instant = std::chrono::nanoseconds;

/// An open file description: what descriptors refer to. Sizes are those of the system call, and a
/// negative value is an errno, as in the kernel. Destroyed with the last descriptor.
class file {
  public:
    file() = default;
    file(const file&) = delete;
    file& operator=(const file&) = delete;
    virtual ~file() = default;

    /// For messages and invariants: "pipe", "epoll".
    virtual const char* kind() const = 0;
    /// What there is to say about this one.
    virtual std::string detail() const { return {}; }
    virtual ssize_t read(std::span<char>) { return -EINVAL; }
    virtual ssize_t write(std::string_view) { return -EINVAL; }
    /// What poll(2) finds: POLLIN, POLLOUT, POLLHUP.
    virtual unsigned events() const { return 0; }
    /// Grows whenever there is news for those who want these events, see EPOLLET.
    virtual std::uint64_t edges(unsigned) const { return 0; }
    /// Whether epoll(7) takes it.
    virtual bool can_be_watched() const { return true; }
    virtual struct stat status() const {
        struct stat facts {};
        facts.st_mode = S_IFIFO | 0600;
        return facts;
    }

    int flags = 0; ///< O_NONBLOCK and the access mode
};
using file_ptr = std::shared_ptr<file>;

/// /dev/null
class null_file : public file {
  public:
    const char* kind() const override { return "null"; }
    ssize_t read(std::span<char>) override { return 0; }
    ssize_t write(std::string_view text) override { return static_cast<ssize_t>(text.size()); }
    unsigned events() const override { return POLLIN | POLLOUT; }
    bool can_be_watched() const override { return false; }
    struct stat status() const override {
        struct stat facts {};
        facts.st_mode = S_IFCHR | 0666;
        return facts;
    }
};

/// An end of a pipe.
class pipe_end : public file {
  public:
    pipe_end(std::shared_ptr<channel> through, bool writes);
    ~pipe_end() override;

    const char* kind() const override { return "pipe"; }
    ssize_t read(std::span<char> into) override { return writes_ ? -EBADF : through_->take(into); }
    ssize_t write(std::string_view text) override { return writes_ ? through_->put(text) : -EBADF; }
    unsigned events() const override {
        return writes_ ? through_->writable_events() : through_->readable_events();
    }
    std::uint64_t edges(unsigned) const override {
        return writes_ ? through_->departures : through_->arrivals;
    }
    /// Another description of the same end, as /proc/self/fd gives.
    file_ptr open_again() const { return std::make_shared<pipe_end>(through_, writes_); }

  private:
    std::shared_ptr<channel> through_;
    bool writes_;
};

/// See eventfd(2).
class event_counter : public file {
  public:
    const char* kind() const override { return "eventfd"; }
    ssize_t read(std::span<char> into) override;
    ssize_t write(std::string_view text) override;
    unsigned events() const override { return POLLOUT | (count_ ? POLLIN : 0); }
    std::uint64_t edges(unsigned) const override { return writes_; }

  private:
    std::uint64_t count_ = 0, writes_ = 0;
};

/// See timerfd_create(2).
class timer_file : public file {
  public:
    explicit timer_file(const instant& now) : now_(now) {}

    const char* kind() const override { return "timerfd"; }
    ssize_t read(std::span<char> into) override;
    unsigned events() const override { return is_due() ? POLLIN : 0; }
    std::uint64_t edges(unsigned) const override { return is_due() ? settings_ : 0; }
    /// 0: never.
    void set(instant due) {
        due_ = due;
        ++settings_;
    }

  private:
    bool is_due() const { return due_.count() > 0 && due_ <= now_; }

    const instant& now_;
    instant due_{};
    std::uint64_t settings_ = 0;
};

/// The signals that are waiting for a process.
struct pending_signals {
    std::set<int> numbers;
    std::uint64_t arrivals = 0;
};

/// See signalfd(2). All signals of the process that has opened it.
class signal_file : public file {
  public:
    signal_file(std::shared_ptr<pending_signals> of, std::set<int> wanted)
        : of_(std::move(of)),
          wanted_(std::move(wanted)) {}

    const char* kind() const override { return "signalfd"; }
    ssize_t read(std::span<char> into) override;
    unsigned events() const override { return next() ? POLLIN : 0; }
    std::uint64_t edges(unsigned) const override { return of_->arrivals; }

  private:
    int next() const;

    std::shared_ptr<pending_signals> of_;
    std::set<int> wanted_;
};

} // namespace einhyrningsins::world
