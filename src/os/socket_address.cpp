// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/socket_address.hpp"

#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace einhyrningsins::os {
namespace {

socket_address describe(const sockaddr_in& address) {
    char host[INET_ADDRSTRLEN];
    ::inet_ntop(AF_INET, &address.sin_addr, host, sizeof host);
    std::string port = std::to_string(ntohs(address.sin_port));
    std::string text = std::string(host) + ":" + port;
    return {text, "AF_INET", address.sin_addr.s_addr == INADDR_ANY ? port : text};
}

socket_address describe(const sockaddr_in6& address) {
    char host[INET6_ADDRSTRLEN];
    ::inet_ntop(AF_INET6, &address.sin6_addr, host, sizeof host);
    std::string port = std::to_string(ntohs(address.sin6_port));
    std::string text = "[" + std::string(host) + "]:" + port;
    return {text, "AF_INET6", IN6_IS_ADDR_UNSPECIFIED(&address.sin6_addr) ? port : text};
}

socket_address describe(const sockaddr_un& address, std::size_t size) {
    std::size_t room = size - offsetof(sockaddr_un, sun_path);
    if (room == 0) return {"(unnamed)", "AF_UNIX", ""};
    if (address.sun_path[0] == '\0')
        return {"@" + std::string(address.sun_path + 1, room - 1), "AF_UNIX", ""};
    std::string path(address.sun_path, ::strnlen(address.sun_path, room));
    return {path, "AF_UNIX", path};
}

} // namespace

result<socket_address> local_address(int fd) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0)
        return last_error("socket address");
    socket_address made;
    switch (storage.ss_family) {
    case AF_INET: made = describe(reinterpret_cast<const sockaddr_in&>(storage)); break;
    case AF_INET6: made = describe(reinterpret_cast<const sockaddr_in6&>(storage)); break;
    case AF_UNIX: made = describe(reinterpret_cast<const sockaddr_un&>(storage), size); break;
    default: return os_error{"socket address", EAFNOSUPPORT};
    }
    int type = 0;
    socklen_t type_size = sizeof type;
    ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size);
    if (type == SOCK_DGRAM && storage.ss_family != AF_UNIX) made.text = "udp " + made.text;
    return made;
}

} // namespace einhyrningsins::os
