// SPDX-License-Identifier: GPL-3.0-or-later
#include "loop/readable.hpp"

#include "loop/turns.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <cerrno>
#include <cstdint>
#include <new>
#include <utility>

namespace einhyrningsins::loop {

/// Shared with the pending handlers in Asio, which may outlive the object.
struct readable::wait : std::enable_shared_from_this<readable::wait> {
    wait(boost::asio::io_context& context, handler hear)
        : turns_(turns::of(context)),
          descriptor_(context),
          hear_(std::move(hear)) {}

    void begin(int fd) {
        descriptor_.assign(fd);
        go_on();
    }
    void end() {
        ++round_;
        if (descriptor_.is_open()) descriptor_.release();
    }
    bool is_open() const { return descriptor_.is_open(); }

  private:
    /// Starts the next wait before calling the handler, which may throw.
    void go_on() {
        descriptor_.async_wait(
            boost::asio::posix::stream_descriptor::wait_read,
            [self = shared_from_this(), round = round_](const boost::system::error_code& error) {
                if (error || round != self->round_) return;
                self->go_on();
                self->turns_.note_activity();
                self->turns_.attempt(self->hear_);
            });
    }

    turns& turns_;
    boost::asio::posix::stream_descriptor descriptor_;
    handler hear_;
    std::uint64_t round_ = 0; ///< incremented by end(): results of older waits are ignored
};

readable::readable(boost::asio::io_context& context, handler hear)
    : wait_(std::make_shared<wait>(context, std::move(hear))) {}

readable::~readable() { cancel(); }

os::result<void> readable::watch(int fd) {
    cancel();
    try {
        wait_->begin(fd);
    } catch (const boost::system::system_error& refused) {
        cancel();
        return os::os_error{"waiting for a descriptor", refused.code().value()};
    } catch (const std::bad_alloc&) {
        cancel();
        return os::os_error{"epoll", ENOMEM}; // a text so short needs no memory
    }
    return {};
}

void readable::cancel() { wait_->end(); }

bool readable::is_watching() const { return wait_->is_open(); }

} // namespace einhyrningsins::loop
