// SPDX-License-Identifier: GPL-3.0-or-later
#include "loop/readiness.hpp"

#include "loop/turns.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <cerrno>
#include <new>
#include <utility>

namespace einhyrningsins::loop {

using descriptor = boost::asio::posix::stream_descriptor;

/// Shared with the pending handlers in Asio, which may outlive the object.
struct readiness::wait : std::enable_shared_from_this<readiness::wait> {
    struct direction {
        handler hear;
        bool waits = false;
    };

    wait(boost::asio::io_context& context, handler readable, handler writable)
        : turns_(turns::of(context)),
          descriptor_(context),
          readable_{std::move(readable)},
          writable_{std::move(writable)} {}

    void open(int fd) { descriptor_.assign(fd); }
    void end() {
        if (descriptor_.is_open()) descriptor_.release();
    }

    void await_readable() { await(descriptor::wait_read, readable_); }
    void await_writable() { await(descriptor::wait_write, writable_); }

  private:
    void await(descriptor::wait_type what, direction& which) {
        if (!descriptor_.is_open() || which.waits) return;
        descriptor_.async_wait(
            what, [self = shared_from_this(), &which](const boost::system::error_code& error) {
                which.waits = false;
                if (error || !self->descriptor_.is_open()) return;
                self->turns_.note_activity();
                self->turns_.attempt(which.hear);
            });
        which.waits = true; // not if there was no memory
    }

    turns& turns_;
    descriptor descriptor_;
    direction readable_, writable_;
};

readiness::readiness(boost::asio::io_context& context, handler readable, handler writable)
    : wait_(std::make_shared<wait>(context, std::move(readable), std::move(writable))) {}

readiness::~readiness() { wait_->end(); }

os::result<void> readiness::open(int fd) {
    try {
        wait_->open(fd);
    } catch (const boost::system::system_error& refused) {
        return os::os_error{"waiting for a descriptor", refused.code().value()};
    } catch (const std::bad_alloc&) {
        return os::os_error{"epoll", ENOMEM}; // a text so short needs no memory
    }
    return {};
}

void readiness::await_readable() { wait_->await_readable(); }
void readiness::await_writable() { wait_->await_writable(); }

} // namespace einhyrningsins::loop
