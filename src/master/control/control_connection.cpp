// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/control/control_connection.hpp"

#include "machine/descriptor_shares.hpp"
#include "master/control/control_hub.hpp"
#include "master/logging.hpp"
#include "os/stream_socket.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>

namespace einhyrningsins::master {
namespace {

namespace asio = boost::asio;
using core::severity;

/// How much may wait for a client that does not read. Workers get short answers.
constexpr std::size_t most_unsent = 1024 * 1024, most_unsent_of_worker = 64 * 1024;
/// How much of one client is handled in one turn of the loop: whichever limit is reached first.
constexpr unsigned lines_a_turn = 256;
constexpr std::size_t reply_bytes_a_turn = 64 * 1024;
/// How long a client that has finished sending may take to read its last answers.
constexpr auto longest_farewell = std::chrono::seconds(30);

/// The reports of workers have these names in all languages. A line that has one elsewhere is
/// answered somewhat early, which does no harm.
constexpr std::string_view reports[] = {"worker:ack", "worker:ping"};

/// All connections read into this one buffer, so that an idle one needs no memory for it.
std::array<char, 64 * 1024> read_buffer;

} // namespace

control_connection::control_connection(control_hub& hub, os::unique_fd socket, caller who,
                                       const handoff::connection& from)
    : hub_(hub),
      socket_(std::move(socket)),
      ready_(
          std::in_place, hub.context(), [this] { on_readable(); }, [this] { on_writable(); }),
      who_(std::move(who)),
      group_(from.group),
      inherited_(from.inherited),
      unsent_(from.unsent),
      turn_(
          hub.context(), [this] { take_turn(); }, loop::alarm::purpose::answer),
      ended_(from.ended),
      closing_(from.closing) {
    lines_.append(from.received);
    if (ready_->open(socket_.get())) return;
    ready_.reset();
    socket_.reset();
}

/// Lines that another master has received are answered before anything is read, but not before this
/// master is complete.
void control_connection::start() {
    bool is_idle = lines_.rest().empty() && unsent_.empty() && !ended_;
    is_idle ? ready_->await_readable() : set_turn();
}

handoff::connection control_connection::hand_over(int worker) const {
    handoff::connection into{who_.peer};
    into.fd = socket_.get();
    into.received = lines_.rest();
    into.unsent = unsent_;
    into.ended = ended_;
    into.closing = closing_;
    into.group = group_;
    into.inherited = inherited_;
    into.worker = worker;
    return into;
}

void control_connection::on_readable() {
    if (!receive()) ended_ = true;
    set_turn();
}

/// Acks and pings are handled at once: before the deaths of their workers, and before any deadline
/// is checked (SPEC 7.7). All other requests are answered in a later turn, when all events that
/// have arrived have been handled, so that the answer shows their effect.
void control_connection::set_turn() {
    bool has_report = std::ranges::any_of(reports, [&](std::string_view name) {
        return lines_.rest().find(name) != std::string_view::npos;
    });
    if (!has_report) return turn_.soon();
    turn_.cancel();
    asio::post(hub_.context(), [self = shared_from_this()] { self->take_turn(); });
}

/// An error ends the connection of the one client that it concerns.
void control_connection::take_turn() {
    auto keep = shared_from_this();
    if (!is_open()) return;
    try {
        serve();
    } catch (const std::exception& error) {
        log(severity::error, "",
            "closed the connection of process " + std::to_string(who_.peer.pid) +
                " at the control socket: " + error.what());
        drop();
    }
}

/// Answers the lines that were received. Then waits for more, or closes the connection.
void control_connection::serve() {
    if (handle_some_lines()) return set_turn();
    if (postponed_ > 0) return;
    if (!closing_ && lines_.overflowed()) hub_.owner().handle(*this, std::nullopt);
    if (ended_ && waiting_) limit_farewell();
    if (ended_ && holds_ == 0) return close();
    if (!ended_ && !closing_ && is_open()) ready_->await_readable();
}

std::shared_ptr<void> control_connection::hold_open() {
    ++holds_;
    return {this, [self = shared_from_this()](void*) {
                if (--self->holds_ == 0 && self->ended_) self->close();
            }};
}

std::shared_ptr<void> control_connection::postpone() {
    ++postponed_;
    return {this, [self = shared_from_this()](void*) {
                if (--self->postponed_ == 0 && self->is_open()) self->set_turn();
            }};
}

/// Returns whether there may be more to come.
bool control_connection::receive() {
    auto size = os::receive(socket_.get(), read_buffer);
    if (!size) return os::would_block(size.error());
    quiet_since_ = core::time_point::clock::now();
    lines_.append({read_buffer.data(), *size});
    return *size > 0;
}

/// Returns whether lines are left for another turn: a client with many requests must not delay
/// others.
bool control_connection::handle_some_lines() {
    std::size_t before = unsent_.size();
    bool more = false;
    handling_ = true;
    for (unsigned count = 0; !closing_ && is_open() && postponed_ == 0; ++count) {
        more = count == lines_a_turn || unsent_.size() > before + reply_bytes_a_turn;
        if (more) break;
        auto line = lines_.next();
        if (!line) break;
        hub_.owner().handle(*this, *line);
    }
    handling_ = false;
    flush();
    return more && is_open();
}

void control_connection::send(std::string_view lines) {
    if (!is_open()) return;
    if (waiting_ && unsent_.size() > (who_.is_operator ? most_unsent : most_unsent_of_worker))
        return drop_for(std::to_string(unsent_.size()) +
                        " bytes wait for it, which it does not read");
    bool first = unsent_.empty();
    unsent_ += lines;
    if (!first || handling_) return;
    asio::post(hub_.context(), [self = shared_from_this()] { self->flush(); });
}

void control_connection::close() {
    closing_ = true;
    if (waiting_) limit_farewell();
    flush();
}

void control_connection::flush() {
    if (!is_open() || waiting_ || handling_) return;
    while (!unsent_.empty()) {
        auto sent = os::send(socket_.get(), unsent_);
        if (!sent && os::would_block(sent.error())) return await_writable();
        if (!sent) return drop();
        farewell_.reset(); // it reads
        quiet_since_ = core::time_point::clock::now();
        unsent_.erase(0, *sent);
    }
    if (unsent_.capacity() > 4096) unsent_.shrink_to_fit();
    if (closing_) drop();
}

void control_connection::await_writable() {
    waiting_ = true;
    if (closing_ || ended_) limit_farewell();
    ready_->await_writable();
}

void control_connection::on_writable() {
    auto keep = shared_from_this();
    waiting_ = false;
    flush();
}

void control_connection::limit_farewell() {
    if (farewell_) return;
    farewell_ = std::make_unique<loop::alarm>(
        hub_.context(),
        [this] {
            drop_for("it has not read its last answer for " +
                     core::to_string(core::duration(longest_farewell)));
        },
        loop::alarm::purpose::limit);
    farewell_->after(longest_farewell);
}

void control_connection::drop_for(const std::string& why) {
    hub_.owner().complain(who_.peer, "dropped process " + std::to_string(who_.peer.pid) +
                                         " at the control socket: " + why);
    drop();
}

core::time_point control_connection::gives_way_at() const {
    return inherited_ ? core::time_point::max() : machine::gives_way_at(quiet_since_, is_owed());
}

/// Lines that were read may still wait for their turn.
void control_connection::give_way() {
    auto keep = shared_from_this();
    auto before = quiet_since_;
    if (!receive()) ended_ = true;
    take_turn();
    if (quiet_since_ == before || !is_owed()) drop();
}

void control_connection::drop() {
    if (!is_open()) return;
    auto keep = shared_from_this();
    ready_.reset();
    socket_.reset();
    unsent_ = {};
    farewell_.reset();
    hub_.forget(*this);
}

} // namespace einhyrningsins::master
