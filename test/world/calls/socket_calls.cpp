// SPDX-License-Identifier: GPL-3.0-or-later
#include "world/calls/call.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace einhyrningsins::world {
namespace {

kernel& sys() { return *simulation(); }
std::shared_ptr<socket> of(int fd) { return sys().file_of<socket>(self(), fd); }
long not_a_socket(int fd) { return sys().file_of(self(), fd) ? -ENOTSOCK : -EBADF; }

/// An address as its bytes; that of a path without what follows its NUL.
std::string bytes_of(const sockaddr* address, socklen_t size) {
    return {reinterpret_cast<const char*>(address), size};
}

/// Empty: the address is not a path.
std::string path_in(const std::string& address) {
    sa_family_t family;
    std::memcpy(&family, address.data(), sizeof family);
    constexpr std::size_t begin = offsetof(sockaddr_un, sun_path);
    if (family != AF_UNIX || address.size() <= begin || address[begin] == '\0') return {};
    return address.c_str() + begin;
}

/// Picks what a program leaves to the system: a port, or an abstract name.
void complete(std::string& address) {
    static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
    sa_family_t family;
    std::memcpy(&family, address.data(), sizeof family);
    if (family == AF_UNIX && address.size() == offsetof(sockaddr_un, sun_path))
        for (int n = 1; address.size() == offsetof(sockaddr_un, sun_path); ++n) {
            std::string wanted = address + '\0' + std::to_string(10000 + n);
            if (sys().names()[wanted].expired()) address = wanted;
        }
    std::uint16_t port;
    std::memcpy(&port, address.data() + offsetof(sockaddr_in, sin_port), sizeof port);
    for (std::uint16_t n = 40000; family != AF_UNIX && port == 0; ++n) {
        std::uint16_t wanted = htons(n);
        std::string with_port = address;
        std::memcpy(with_port.data() + offsetof(sockaddr_in, sin_port), &wanted, sizeof wanted);
        if (!sys().names()[with_port].expired()) continue;
        address = with_port;
        port = wanted;
    }
}

long bind_to_path(const std::shared_ptr<socket>& made, const std::string& path) {
    place where = sys().find(self(), -1, path, false);
    if (where.error) return -where.error;
    if (where.there) return -EADDRINUSE;
    auto node = sys().files().make(where, S_IFSOCK | (0777 & ~self().umask), self().user);
    node->bound = made;
    sys().notice(*where.directory, IN_CREATE, where.name);
    return 0;
}

std::shared_ptr<socket> listener_at(const std::string& address) {
    if (auto path = path_in(address); !path.empty()) {
        place found = sys().find(self(), -1, path);
        return found.there ? std::dynamic_pointer_cast<socket>(found.there->bound.lock()) : nullptr;
    }
    return std::dynamic_pointer_cast<socket>(sys().names()[address].lock());
}

long give_option(const void* value, std::size_t size, void* into, socklen_t* room) {
    std::memcpy(into, value, std::min<std::size_t>(size, *room));
    *room = static_cast<socklen_t>(size);
    return 0;
}

long receive(int fd, void* into, std::size_t size, int flags) {
    auto from = of(fd);
    if (!from) return not_a_socket(fd);
    bool blocks = !(flags & MSG_DONTWAIT) && !(from->flags & O_NONBLOCK);
    long came;
    while ((came = from->read({static_cast<char*>(into), size})) == -EAGAIN && blocks)
        sys().wait([&] { return (from->events() & (POLLIN | POLLHUP)) != 0; });
    return came;
}

} // namespace

SYSTEM_CALL(int, socket, (int domain, int type, int protocol), (domain, type, protocol)) {
    ignore(protocol);
    constexpr int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    auto made = std::make_shared<world::socket>(domain, type & ~flags);
    made->flags = O_RDWR | (type & SOCK_NONBLOCK ? O_NONBLOCK : 0);
    return sys().open_descriptor(self(), std::move(made), type & SOCK_CLOEXEC);
}

SYSTEM_CALL(int, socketpair, (int domain, int type, int protocol, int* both),
            (domain, type, protocol, both)) {
    ignore(protocol);
    std::shared_ptr<world::socket> ends[2];
    for (auto& each : ends) {
        each = std::make_shared<world::socket>(domain, type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC));
        each->flags = O_RDWR;
        each->peer = sys().credentials_of(self());
    }
    world::socket::join(ends[0], ends[1]);
    for (int n : {0, 1}) {
        both[n] = sys().open_descriptor(self(), ends[n], type & SOCK_CLOEXEC);
        if (both[n] >= 0) continue;
        if (n == 1) sys().close_descriptor(self(), both[0]);
        return both[n];
    }
    return 0;
}

SYSTEM_CALL(int, bind, (int fd, const sockaddr* address, socklen_t size), (fd, address, size)) {
    auto made = of(fd);
    if (!made) return not_a_socket(fd);
    std::string name = bytes_of(address, size);
    if (auto path = path_in(name); !path.empty()) {
        if (long failed = bind_to_path(made, path)) return failed;
    } else {
        complete(name);
        if (!sys().names()[name].expired()) return -EADDRINUSE;
        sys().names()[name] = made;
    }
    made->name = name;
    return 0;
}

SYSTEM_CALL(int, listen, (int fd, int backlog), (fd, backlog)) {
    auto made = of(fd);
    if (!made) return not_a_socket(fd);
    made->listen(backlog, sys().credentials_of(self()));
    return 0;
}

SYSTEM_CALL(int, connect, (int fd, const sockaddr* address, socklen_t size), (fd, address, size)) {
    auto from = of(fd);
    if (!from) return not_a_socket(fd);
    std::string name = bytes_of(address, size);
    auto path = path_in(name);
    if (!path.empty() && !sys().find(self(), -1, path).there) return -ENOENT;
    auto to = listener_at(name);
    return to ? world::socket::connect(from, *to, sys().credentials_of(self())) : -ECONNREFUSED;
}

SYSTEM_CALL(int, accept4, (int fd, sockaddr* address, socklen_t* size, int flags),
            (fd, address, size, flags)) {
    ignore(address, size);
    auto from = of(fd);
    if (!from) return not_a_socket(fd);
    if (!(from->flags & O_NONBLOCK)) sys().wait([&] { return (from->events() & POLLIN) != 0; });
    auto client = from->accept();
    if (!client) return -EAGAIN;
    client->flags = O_RDWR | (flags & SOCK_NONBLOCK ? O_NONBLOCK : 0);
    return sys().open_descriptor(self(), std::move(client), flags & SOCK_CLOEXEC);
}

SYSTEM_CALL(int, getsockname, (int fd, sockaddr* into, socklen_t* room), (fd, into, room)) {
    auto made = of(fd);
    if (!made) return not_a_socket(fd);
    std::string name = made->name;
    if (name.empty()) {
        auto family = static_cast<sa_family_t>(made->domain());
        name.assign(reinterpret_cast<const char*>(&family), sizeof family);
    }
    return give_option(name.data(), name.size(), into, room);
}

SYSTEM_CALL(int, getsockopt, (int fd, int level, int option, void* into, socklen_t* room),
            (fd, level, option, into, room)) {
    auto made = of(fd);
    if (!made) return not_a_socket(fd);
    if (level != SOL_SOCKET) return -ENOPROTOOPT;
    int type = made->type();
    ucred peer{made->peer.pid, made->peer.user, made->peer.group};
    switch (option) {
    case SO_TYPE: return give_option(&type, sizeof type, into, room);
    case SO_PEERCRED: return give_option(&peer, sizeof peer, into, room);
    case SO_PEERGROUPS: *room = 0; return 0;
    default: return -ENOPROTOOPT; // an older system: SO_PEERPIDFD is not known
    }
}

SYSTEM_CALL(int, setsockopt, (int fd, int level, int option, const void* value, socklen_t size),
            (fd, level, option, value, size)) {
    ignore(size);
    auto made = of(fd);
    if (!made) return not_a_socket(fd);
    bool is_on = *static_cast<const int*>(value) != 0;
    if (level == SOL_SOCKET && option == SO_PASSCRED) made->passes_credentials = is_on;
    if (level == SOL_SOCKET && option == SO_REUSEPORT) made->reuses_port = is_on;
    return 0;
}

SYSTEM_CALL(ssize_t, recv, (int fd, void* into, size_t size, int flags), (fd, into, size, flags)) {
    return receive(fd, into, size, flags);
}

SYSTEM_CALL(ssize_t, send, (int fd, const void* from, size_t size, int flags),
            (fd, from, size, flags)) {
    ignore(flags);
    auto to = of(fd);
    if (!to) return not_a_socket(fd);
    return to->write({static_cast<const char*>(from), size});
}

SYSTEM_CALL(ssize_t, sendto,
            (int fd, const void* from, size_t size, int flags, const sockaddr* address,
             socklen_t length),
            (fd, from, size, flags, address, length)) {
    ignore(flags);
    auto to = address ? listener_at(bytes_of(address, length)) : of(fd);
    if (!to) return address ? -ECONNREFUSED : not_a_socket(fd);
    std::string text(static_cast<const char*>(from), size);
    if (!address) return to->write(text);
    if (int failed = to->deliver({std::move(text), sys().credentials_of(self())})) return failed;
    return static_cast<long>(size);
}

/// Numbers need no name server, and there is none.
LIBRARY_CALL(int, getaddrinfo,
             (const char* host, const char* port, const addrinfo* wanted, addrinfo** found),
             (host, port, wanted, found)) {
    in6_addr number;
    bool is_number =
        !host || inet_pton(AF_INET, host, &number) == 1 || inet_pton(AF_INET6, host, &number) == 1;
    return is_number ? __real_getaddrinfo(host, port, wanted, found) : EAI_AGAIN;
}

/// Of a socket for datagrams, with the credentials of the sender.
SYSTEM_CALL(ssize_t, recvmsg, (int fd, msghdr* message, int flags), (fd, message, flags)) {
    ignore(flags);
    auto from = of(fd);
    if (!from) return not_a_socket(fd);
    auto one = from->take_datagram();
    if (!one) return -EAGAIN;
    iovec& part = *message->msg_iov;
    std::size_t size = one->text.copy(static_cast<char*>(part.iov_base), part.iov_len);
    message->msg_flags = 0;
    auto* header = reinterpret_cast<cmsghdr*>(message->msg_control);
    if (!from->passes_credentials || message->msg_controllen < CMSG_SPACE(sizeof(ucred))) {
        message->msg_controllen = 0;
        return static_cast<long>(size);
    }
    ucred who{one->from.pid, one->from.user, one->from.group};
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_CREDENTIALS;
    header->cmsg_len = CMSG_LEN(sizeof who);
    std::memcpy(CMSG_DATA(header), &who, sizeof who);
    message->msg_controllen = CMSG_SPACE(sizeof who);
    return static_cast<long>(size);
}

} // namespace einhyrningsins::world
