// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/control/control_connection.hpp"

#include "master/logging.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <thread>

namespace einhyrningsins::master {
namespace {

namespace asio = boost::asio;
using socket_base = asio::socket_base;

constexpr std::size_t most_unsent = 1024 * 1024;
constexpr int looks_before_sleep = 32;
/// A client's share of one turn of the loop: whichever of both is used up first.
constexpr unsigned lines_a_turn = 256;
constexpr std::size_t reply_bytes_a_turn = 64 * 1024;

/// All connections read into this one buffer, so that idle ones need none.
std::array<char, 64 * 1024> read_buffer;

} // namespace

control_connection::control_connection(socket_type socket, os::peer who, std::string group,
                                       const line_handler& handler, std::shared_ptr<registry> all)
    : socket_(std::move(socket)),
      who_(std::move(who)),
      group_(std::move(group)),
      handle_(handler),
      all_(std::move(all)) {
    boost::system::error_code ignored;
    socket_.non_blocking(true, ignored);
    all_->insert(this);
}

control_connection::~control_connection() { all_->erase(this); }

handoff::connection control_connection::hand_over() {
    return {.fd = socket_.native_handle(),
            .pid = who_.pid,
            .uid = who_.uid,
            .gid = who_.gid,
            .groups = {who_.groups.begin(), who_.groups.end()},
            .received = std::string(lines_.rest()),
            .unsent = unsent_,
            .ended = ended_,
            .closing = closing_,
            .group = group_};
}

void control_connection::take_over(const handoff::connection& from) {
    lines_.append(from.received);
    closing_ = from.closing;
    ended_ = from.ended;
    if (!from.unsent.empty()) send(from.unsent);
}

asio::awaitable<void> control_connection::serve(std::shared_ptr<control_connection> self) {
    boost::system::error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    // What another master has received is there before anything is read.
    while (self->is_open() && !self->closing_) {
        while (self->handle_some_lines())
            co_await asio::post(token);
        if (self->lines_.overflowed()) self->handle_(*self, std::nullopt);
        if (self->closing_ || self->ended_) break;
        if (!self->has_more_at_once())
            co_await self->socket_.async_wait(socket_base::wait_read, token);
        if (error || !self->receive()) break;
    }
    self->ended_ = true;
    if (self->holds_ == 0) self->close();
}

std::shared_ptr<void> control_connection::hold_open() {
    ++holds_;
    return {this, [self = shared_from_this()](void*) {
                if (--self->holds_ == 0 && self->ended_) self->close();
            }};
}

/// Whether there is something to read. A client that asks one thing after the other sends its next
/// request within microseconds: to look for it a few times is cheaper than to sleep and to be woken
/// on another CPU. Only a client that is alone is waited for.
bool control_connection::has_more_at_once() const {
    boost::system::error_code error;
    for (int look = 0; look < looks_before_sleep && all_->size() == 1; ++look) {
        if (socket_.available(error) > 0) return true;
        if (error) return false;
        std::this_thread::yield();
    }
    return false;
}

/// Returns whether there may be more to come.
bool control_connection::receive() {
    boost::system::error_code error;
    std::size_t size = socket_.read_some(asio::buffer(read_buffer), error);
    if (error == asio::error::would_block) return true;
    if (error) return false;
    lines_.append({read_buffer.data(), size});
    return true;
}

/// Returns whether lines are left for another turn: nobody is kept waiting by a client with many
/// requests.
bool control_connection::handle_some_lines() {
    std::size_t before = unsent_.size();
    unsigned count = 0;
    while (!closing_ && is_open()) {
        if (count++ == lines_a_turn || unsent_.size() > before + reply_bytes_a_turn) {
            flush();
            return is_open();
        }
        auto line = lines_.next();
        if (!line) break;
        handle_(*this, *line);
    }
    flush();
    return false;
}

void control_connection::send(std::string_view lines) {
    if (!is_open()) return;
    if (waiting_ && unsent_.size() > most_unsent) {
        log(core::severity::warning, "",
            "dropped process " + std::to_string(who_.pid) + " at the control socket: " +
                std::to_string(unsent_.size()) + " bytes wait for it, which it does not read");
        return drop();
    }
    bool first = unsent_.empty();
    unsent_ += lines;
    if (first) asio::post(socket_.get_executor(), [self = shared_from_this()] { self->flush(); });
}

void control_connection::close() {
    closing_ = true;
    flush();
}

void control_connection::flush() {
    if (!is_open() || waiting_) return;
    boost::system::error_code error;
    while (!unsent_.empty() && !error) {
        std::size_t sent = socket_.send(asio::buffer(unsent_), 0, error);
        unsent_.erase(0, sent);
    }
    if (unsent_.empty() && unsent_.capacity() > 4096) unsent_.shrink_to_fit();
    if (error == asio::error::would_block) return flush_when_writable();
    if (error || (closing_ && unsent_.empty())) drop();
}

void control_connection::flush_when_writable() {
    waiting_ = true;
    socket_.async_wait(socket_base::wait_write,
                       [self = shared_from_this()](const boost::system::error_code&) {
                           self->waiting_ = false;
                           self->flush();
                       });
}

void control_connection::drop() {
    boost::system::error_code ignored;
    socket_.close(ignored);
    unsent_ = {};
}

} // namespace einhyrningsins::master
