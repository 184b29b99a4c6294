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

/// The number of datagrams received in one call: a flood must not keep the master from other work.
constexpr int datagrams_at_once = 64;

bool has_line(std::string_view text, std::string_view wanted) {
    while (!text.empty()) {
        std::size_t end = std::min(text.find('\n'), text.size());
        if (text.substr(0, end) == wanted) return true;
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return false;
}

/// The control data of a message. It has no room for descriptors: the kernel drops those that come
/// along without installing them, so that what closing one would call, which may wait for its
/// owner, is not called here.
struct credentials_room {
    alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(ucred))];
};

std::optional<notify_socket::sender> sender_of(const msghdr& message) {
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_CREDENTIALS)
        return std::nullopt;
    ucred credentials;
    std::memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
    return notify_socket::sender{credentials.pid, credentials.uid};
}

} // namespace

/// Without a name, the kernel picks a free one in the abstract namespace, see "Autobind" in
/// unix(7).
result<void> notify_socket::open() {
    if (fd_) return {};
    unique_fd fresh(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fresh) return last_error("notify socket");
    int on = 1;
    if (::setsockopt(fresh.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
        return last_error("notify socket");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    std::size_t length = address_.copy(address.sun_path, sizeof address.sun_path);
    if (length > 0) address.sun_path[0] = '\0';
    auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
    if (::bind(fresh.get(), generic, size) != 0) return last_error("notify socket: bind");
    size = sizeof address;
    if (::getsockname(fresh.get(), generic, &size) != 0) return last_error("notify socket");
    std::size_t name = size - offsetof(sockaddr_un, sun_path) - 1;
    address_ = "@" + std::string(address.sun_path + 1, name);
    fd_ = std::move(fresh);
    return {};
}

void notify_socket::receive(const std::function<bool(const sender&)>& ready) const {
    bool more = true;
    for (int count = 0; more && count < datagrams_at_once; ++count) {
        char text[4096];
        iovec part{text, sizeof text};
        credentials_room control;
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        ssize_t size = ::recvmsg(fd_.get(), &message, MSG_DONTWAIT);
        if (size < 0) return;
        auto from = sender_of(message);
        if (from && has_line({text, static_cast<std::size_t>(size)}, "READY=1"))
            more = ready(*from);
    }
}

} // namespace einhyrningsins::os
