// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/asio/bind_allocator.hpp>

#include <cstddef>
#include <new>
#include <utility>

namespace einhyrningsins::loop {

/// Room for one handler that waits in Asio, so that waiting needs no memory. A handler that is too
/// large, or comes while another one has the room, is allocated as usual.
class handler_memory {
  public:
    handler_memory() = default;
    handler_memory(const handler_memory&) = delete;
    handler_memory& operator=(const handler_memory&) = delete;

    void* allocate(std::size_t size) {
        if (size > sizeof room_ || std::exchange(is_taken_, true)) return ::operator new(size);
        return room_;
    }
    void deallocate(void* block) noexcept {
        if (block == room_)
            is_taken_ = false;
        else
            ::operator delete(block);
    }

  private:
    alignas(std::max_align_t) std::byte room_[256];
    bool is_taken_ = false;
};

/// The allocator that Asio asks for, see "associated allocator" in its manual.
template <class Value>
class handler_allocator {
  public:
    using value_type = Value;

    explicit handler_allocator(handler_memory& from) : memory_(&from) {}
    template <class Other>
    handler_allocator(const handler_allocator<Other>& other) : memory_(other.memory_) {}

    Value* allocate(std::size_t count) const {
        return static_cast<Value*>(memory_->allocate(count * sizeof(Value)));
    }
    void deallocate(Value* block, std::size_t) const noexcept { memory_->deallocate(block); }

    template <class Other>
    bool operator==(const handler_allocator<Other>& other) const {
        return memory_ == other.memory_;
    }

  private:
    template <class Other>
    friend class handler_allocator;
    handler_memory* memory_;
};

/// `handle`, which Asio is to keep in `memory`. `memory` has to outlive the wait.
template <class Handler>
auto in(handler_memory& memory, Handler handle) {
    return boost::asio::bind_allocator(handler_allocator<void>(memory), std::move(handle));
}

} // namespace einhyrningsins::loop
