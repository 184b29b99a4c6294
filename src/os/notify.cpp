// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/notify.hpp"

#include <cstring>
#include <optional>
#include <string_view>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

/// Datagrams taken in one call: a flood must not keep the master from its other work.
constexpr int datagrams_at_once = 64;

bool has_line(std::string_view text, std::string_view wanted) {
    while (!text.empty()) {
        std::size_t end = std::min(text.find('\n'), text.size());
        if (text.substr(0, end) == wanted) return true;
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return false;
}

void close_descriptors(const cmsghdr* header) {
    std::size_t size = header->cmsg_len - CMSG_LEN(0);
    for (std::size_t at = 0; at + sizeof(int) <= size; at += sizeof(int)) {
        int fd;
        std::memcpy(&fd, CMSG_DATA(header) + at, sizeof fd);
        ::close(fd);
    }
}

/// The sender of a message; descriptors in it are closed.
std::optional<pid_t> sender_of(msghdr& message) {
    std::optional<pid_t> sender;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET) continue;
        if (header->cmsg_type == SCM_RIGHTS) close_descriptors(header);
        if (header->cmsg_type != SCM_CREDENTIALS) continue;
        ucred who;
        std::memcpy(&who, CMSG_DATA(header), sizeof who);
        sender = who.pid;
    }
    return sender;
}

} // namespace

result<notify_socket> notify_socket::open() {
    notify_socket made;
    made.fd_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!made.fd_) return last_error("notify socket");
    int on = 1;
    ::setsockopt(made.fd_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    // Only the family: the kernel picks a free name in the abstract namespace, see "Autobind" in
    // unix(7).
    if (::bind(made.fd_.get(), generic, sizeof address.sun_family) != 0)
        return last_error("notify socket: bind");
    socklen_t size = sizeof address;
    if (::getsockname(made.fd_.get(), generic, &size) != 0) return last_error("notify socket");
    std::size_t name = size - offsetof(sockaddr_un, sun_path) - 1;
    made.address_ = "@" + std::string(address.sun_path + 1, name);
    return made;
}

notify_socket notify_socket::adopt(unique_fd fd, std::string address) {
    notify_socket made;
    made.fd_ = std::move(fd);
    made.address_ = std::move(address);
    return made;
}

std::vector<pid_t> notify_socket::receive() const {
    std::vector<pid_t> ready;
    for (int count = 0; count < datagrams_at_once; ++count) {
        char text[4096];
        iovec part{text, sizeof text};
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(253 * sizeof(int))];
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        ssize_t size = ::recvmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (size < 0) break;
        auto sender = sender_of(message);
        if (sender && has_line({text, static_cast<std::size_t>(size)}, "READY=1"))
            ready.push_back(*sender);
    }
    return ready;
}

} // namespace einhyrningsins::os
