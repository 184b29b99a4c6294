// SPDX-License-Identifier: GPL-3.0-or-later
#include "ctl/client.hpp"

#include "ctl/interrupt.hpp"
#include "ctl/other_masters.hpp"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <utility>

namespace einhyrningsins::ctl {
namespace {

/// The status of 10,000 workers has two MB; what never ends is no answer.
constexpr std::size_t longest_answer = 64 * 1024 * 1024;

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

timeval duration_of(double seconds) {
    auto whole = static_cast<time_t>(seconds);
    auto microseconds = static_cast<suseconds_t>((seconds - static_cast<double>(whole)) * 1e6);
    if (seconds > 0 && whole == 0 && microseconds == 0) microseconds = 1; // 0 means for ever
    return {whole, microseconds};
}

/// Ctrl-Z and `fg` interrupt as well, but mean no harm.
bool try_again() { return errno == EINTR && !take_interrupt(); }

} // namespace

client::client(std::string socket_path, double timeout, parser parse, hints advice)
    : socket_path_(std::move(socket_path)),
      timeout_(timeout),
      parse_(parse),
      advice_(advice) {}

client::~client() { disconnect(); }

void client::disconnect() {
    if (socket_ >= 0) close(socket_);
    socket_ = -1;
    received_.clear();
    searched_ = 0;
}

std::optional<failure> client::connect() {
    if (socket_ >= 0) return std::nullopt;
    socket_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return failure{std::string("socket: ") + std::strerror(errno)};
    wait_at_most(timeout_); // a master that hangs accepts nobody
    sockaddr_un address = address_of(socket_path_);
    int result = 0;
    do
        result = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    while (result < 0 && try_again());
    if (result == 0) return std::nullopt;
    int error = errno;
    disconnect();
    return unreachable(error);
}

boost::system::result<protocol::reply, failure> client::ask(const protocol::request& what,
                                                            const listener& hear) {
    if (socket_ >= 0 && is_stale()) disconnect();
    if (auto failed = connect()) return *failed;
    auto answer = converse(what, hear);
    if (!answer) disconnect();
    return answer;
}

boost::system::result<protocol::reply, failure> client::converse(const protocol::request& what,
                                                                 const listener& hear) {
    wait_at_most(timeout_);
    if (auto failed = send(to_line(what))) return *failed;
    for (std::string line;;) {
        if (auto failed = next_line(line)) return *failed;
        auto heard = parse_(line);
        if (!heard)
            return failure{"what answers at " + socket_path_ + " does not speak as a master does"};
        hear(line, *heard);
        if (!heard->wait) return std::move(*heard);
        wait_at_most(0); // progress is coming
    }
}

std::optional<failure> client::send(std::string_view line) {
    while (!line.empty()) {
        ssize_t sent = ::send(socket_, line.data(), line.size(), MSG_NOSIGNAL);
        if (sent < 0 && try_again()) continue;
        if (sent < 0) return broken(errno);
        line.remove_prefix(static_cast<std::size_t>(sent));
    }
    return std::nullopt;
}

std::optional<failure> client::next_line(std::string& line) {
    std::size_t end;
    while ((end = received_.find('\n', searched_)) == std::string::npos) {
        searched_ = received_.size();
        if (searched_ > longest_answer) return failure{socket_path_ + ": the answer has no end"};
        if (auto failed = receive()) return *failed;
    }
    line = received_.substr(0, end);
    received_.erase(0, end + 1);
    searched_ = 0;
    return std::nullopt;
}

std::optional<failure> client::receive() {
    std::array<char, 65536> piece;
    ssize_t size;
    do
        size = recv(socket_, piece.data(), piece.size(), 0);
    while (size < 0 && try_again());
    if (size < 0) return broken(errno);
    if (size == 0)
        return failure{"the master at " + socket_path_ +
                       " has closed the connection before its answer"};
    received_.append(piece.data(), static_cast<std::size_t>(size));
    return std::nullopt;
}

void client::await_end() {
    wait_at_most(0);
    while (!receive())
        received_.clear();
    disconnect();
}

void client::wait_at_most(double seconds) {
    timeval duration = duration_of(seconds);
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &duration, sizeof duration);
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &duration, sizeof duration);
}

/// Between two requests a master has nothing to say but that it is gone.
bool client::is_stale() const {
    char c;
    return recv(socket_, &c, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

failure client::unreachable(int error) const {
    std::string hint = error == EACCES || error == EPERM
                           ? "only root, the master's own user and its --socket-group may connect"
                           : advice_.unreachable;
    if (error == ENOENT || error == ECONNREFUSED)
        if (std::string others = other_masters(socket_path_); !others.empty())
            hint = "others may be meant: " + others;
    std::string why = std::strerror(error) + std::string("; ") + hint;
    if (error == EAGAIN) why = "it is there, but accepts no connection in time";
    return {"no master answers at " + socket_path_ + ": " + why, exit_code::unreachable};
}

failure client::broken(int error) const {
    if (error == EINTR) return {"not waiting for the answer any longer"};
    if (error == EAGAIN) {
        char seconds[32];
        std::snprintf(seconds, sizeof seconds, "%g", timeout_);
        return {"the master at " + socket_path_ + " has not answered within " + seconds + " s" +
                advice_.late};
    }
    return {"the connection to " + socket_path_ + " broke: " + std::strerror(error)};
}

} // namespace einhyrningsins::ctl
