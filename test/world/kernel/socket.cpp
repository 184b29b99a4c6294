// SPDX-License-Identifier: GPL-3.0-or-later
#include "world/kernel/socket.hpp"

#include <utility>

namespace einhyrningsins::world {
namespace {

constexpr std::size_t most_datagrams = 512;

} // namespace

socket::~socket() {
    if (!in_) return;
    in_->close(false);
    out_->close(true);
}

std::string socket::detail() const {
    std::string text = listening_ ? " that listens" : in_ ? " that is connected" : "";
    for (char one : name)
        if (one > ' ' && one < '\x7f') text += one;
    return text;
}

void socket::join(const std::shared_ptr<socket>& a, const std::shared_ptr<socket>& b) {
    a->in_ = b->out_ = std::make_shared<channel>();
    a->out_ = b->in_ = std::make_shared<channel>();
    for (auto& each : {a, b}) {
        each->in_->open(false);
        each->out_->open(true);
        each->in_->capacity = each->room;
    }
}

void socket::listen(int backlog, const credentials& who) {
    listening_ = true;
    backlog_ = static_cast<std::size_t>(backlog);
    owner_ = who;
}

int socket::connect(const std::shared_ptr<socket>& from, socket& to, const credentials& who) {
    if (!to.listening_ || to.type_ != from->type_) return -ECONNREFUSED;
    if (to.waiting_.size() > to.backlog_) return -EAGAIN;
    auto end = std::make_shared<socket>(to.domain_, to.type_);
    join(from, end);
    end->name = to.name;
    end->peer = who;
    from->peer = to.owner_;
    to.waiting_.push_back(std::move(end));
    ++to.arrivals_;
    return 0;
}

std::shared_ptr<socket> socket::accept() {
    if (waiting_.empty()) return nullptr;
    auto first = std::move(waiting_.front());
    waiting_.pop_front();
    return first;
}

int socket::deliver(datagram one) {
    if (datagrams_.size() >= most_datagrams) return -EAGAIN;
    datagrams_.push_back(std::move(one));
    ++arrivals_;
    return 0;
}

std::optional<socket::datagram> socket::take_datagram() {
    if (datagrams_.empty()) return std::nullopt;
    datagram first = std::move(datagrams_.front());
    datagrams_.pop_front();
    return first;
}

ssize_t socket::read(std::span<char> into) {
    if (type_ == SOCK_DGRAM) {
        auto one = take_datagram();
        return one ? static_cast<ssize_t>(one->text.copy(into.data(), into.size())) : -EAGAIN;
    }
    return in_ ? in_->take(into) : -ENOTCONN;
}

ssize_t socket::write(std::string_view text) { return out_ ? out_->put(text) : -ENOTCONN; }

unsigned socket::events() const {
    if (listening_ || type_ == SOCK_DGRAM)
        return (waiting_.empty() && datagrams_.empty() ? 0 : POLLIN) | (listening_ ? 0 : POLLOUT);
    if (!in_) return POLLOUT | POLLHUP;
    unsigned hung_up = in_->writers == 0 && out_->readers == 0 ? POLLHUP : 0;
    return (in_->readable_events() & POLLIN) | out_->writable_events() | hung_up;
}

std::uint64_t socket::edges(unsigned wanted) const {
    if (!in_) return arrivals_;
    return in_->arrivals + (wanted & POLLOUT ? out_->departures : 0) + (out_->readers == 0 ? 1 : 0);
}

struct stat socket::status() const {
    struct stat facts {};
    facts.st_mode = S_IFSOCK | 0777;
    return facts;
}

} // namespace einhyrningsins::world
