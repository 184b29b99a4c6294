// SPDX-License-Identifier: GPL-3.0-or-later
#include "ctl/client.hpp"

#include "core/printable.hpp"
#include "ctl/interrupt.hpp"
#include "ctl/other_masters.hpp"
#include "ctl/trust.hpp"

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

/// The status of 10,000 workers takes two MB.
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

/// Ctrl-Z and `fg` interrupt system calls as well, which is no reason to give up.
bool try_again() { return errno == EINTR && !take_interrupt(); }

} // namespace

client::client(std::string socket_path, double timeout, const protocol::dialect& spoken,
               hints advice)
    : socket_path_(std::move(socket_path)),
      timeout_(timeout),
      spoken_(spoken),
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
    wait_at_most(timeout_); // a master that hangs accepts no connection
    sockaddr_un address = address_of(socket_path_);
    int result = 0;
    do
        result = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    while (result < 0 && try_again());
    int error = errno;
    auto failed = result == 0 ? distrusted() : unreachable(error);
    has_connected_ = has_connected_ || !failed;
    if (failed) disconnect();
    return failed;
}

/// In a directory that everybody may write to, another user may have created the socket first.
std::optional<failure> client::distrusted() const {
    auto why = why_not_trusted(socket_, socket_path_);
    if (!why) return std::nullopt;
    return failure{"what answers at " + socket_path_ + " is not trusted: " + *why,
                   exit_code::unreachable};
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
    if (auto failed = send(spoken_.to_line(what))) return *failed;
    for (std::string line;;) {
        if (auto failed = next_line(line)) return *failed;
        auto heard = spoken_.parse_reply(line);
        if (!heard)
            return failure{"what answers at " + socket_path_ +
                           " is not a master: its answer cannot be read"};
        heard->message = core::printable_lines(heard->message);
        hear(line, *heard);
        if (!heard->wait) return std::move(*heard);
        wait_at_most(0); // progress is coming
    }
}

/// A master that turns us away sends the reason and closes the connection at once. So a broken
/// connection is a failure only after everything that was received has been read.
std::optional<failure> client::send(std::string_view line) {
    while (!line.empty()) {
        ssize_t sent = ::send(socket_, line.data(), line.size(), MSG_NOSIGNAL);
        if (sent < 0 && try_again()) continue;
        if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) break;
        if (sent < 0) return broken(errno);
        line.remove_prefix(static_cast<std::size_t>(sent));
    }
    return std::nullopt;
}

std::optional<failure> client::next_line(std::string& line) {
    std::size_t end;
    while ((end = received_.find('\n', searched_)) == std::string::npos) {
        searched_ = received_.size();
        if (searched_ > longest_answer) return failure{socket_path_ + ": the answer is too long"};
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
                       " has closed the connection without an answer"};
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

/// Between two requests, the only thing to be received from a master is the end of the connection.
bool client::is_stale() const {
    char c;
    return recv(socket_, &c, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

std::optional<failure> client::unreachable(int error) const {
    std::string hint = error == EACCES || error == EPERM
                           ? "only root, the master's own user and its --socket-group may connect"
                           : advice_.unreachable;
    if (error == ENOENT || error == ECONNREFUSED)
        if (std::string others = other_masters(socket_path_); !others.empty())
            hint = "other masters here: " + others;
    std::string why = std::strerror(error) + std::string("; ") + hint;
    if (error == EAGAIN) why = "it exists, but has not accepted the connection in time";
    return failure{"no master answers at " + socket_path_ + ": " + why, exit_code::unreachable};
}

failure client::broken(int error) const {
    if (error == EINTR) return {"interrupted; not waiting for the answer any longer"};
    if (error == EAGAIN) {
        char seconds[32];
        std::snprintf(seconds, sizeof seconds, "%g", timeout_);
        return {"the master at " + socket_path_ + " has not answered within " + seconds + " s" +
                advice_.late};
    }
    return {"the connection to " + socket_path_ + " broke: " + std::strerror(error)};
}

} // namespace einhyrningsins::ctl
