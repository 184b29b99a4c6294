// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <coroutine>
#include <exception>
#include <utility>

namespace einhyrningsins::world {

/// What a test has happen, as a coroutine that awaits world::until(). It runs at moments at which
/// the tested program is in a system call.
class story {
  public:
    struct promise_type {
        story get_return_object() {
            return story(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_always initial_suspend() { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };

    explicit story(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
    story(story&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    story& operator=(story&&) = delete;
    ~story() {
        if (handle_) handle_.destroy();
    }

    bool is_over() const { return handle_.done(); }
    void go_on() { handle_.resume(); }

  private:
    std::coroutine_handle<promise_type> handle_;
};

} // namespace einhyrningsins::world
