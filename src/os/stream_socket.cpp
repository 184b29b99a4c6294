// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/stream_socket.hpp"

#include <cerrno>

#include <sys/socket.h>

namespace einhyrningsins::os {
namespace {

result<std::size_t> transferred(ssize_t size, const char* what) {
    if (size < 0) return last_error(what);
    return static_cast<std::size_t>(size);
}

} // namespace

result<unique_fd> accept_client(int listener) {
    unique_fd client(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!client) return last_error("accept");
    return client;
}

result<std::size_t> receive(int socket, std::span<char> into) {
    return transferred(::recv(socket, into.data(), into.size(), MSG_DONTWAIT), "receive");
}

result<std::size_t> send(int socket, std::string_view bytes) {
    return transferred(::send(socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL),
                       "send");
}

bool would_block(const os_error& error) {
    return error.number == EAGAIN || error.number == EWOULDBLOCK || error.number == EINTR;
}

} // namespace einhyrningsins::os
