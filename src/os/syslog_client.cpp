// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/syslog_client.hpp"

#include "os/low_numbers.hpp"

#include <cstring>
#include <ctime>
#include <utility>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

constexpr int facility_daemon = 3;

/// "Nov 21 04:47:11", in local time, see RFC 3164.
std::string timestamp() {
    std::time_t now = std::time(nullptr);
    tm parts{};
    localtime_r(&now, &parts);
    char text[32];
    return {text, strftime(text, sizeof text, "%h %e %T", &parts)};
}

} // namespace

syslog_client::syslog_client(std::string ident, std::string path)
    : ident_(std::move(ident)),
      path_(std::move(path)) {}

void syslog_client::send(level severity, std::string_view text) {
    std::string loss = "messages lost because syslog did not accept them: ";
    if (lost_ > 0 && try_to_send(level::warning, loss + std::to_string(lost_))) lost_ = 0;
    if (!try_to_send(severity, text)) ++lost_;
}

bool syslog_client::try_to_send(level severity, std::string_view text) {
    if (!socket_) {
        socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        leave_low_numbers(socket_);
    }
    sockaddr_un daemon{};
    daemon.sun_family = AF_UNIX;
    std::strncpy(daemon.sun_path, path_.c_str(), sizeof daemon.sun_path - 1);
    std::string message = "<" + std::to_string(facility_daemon << 3 | static_cast<int>(severity)) +
                          ">" + timestamp() + " " + ident_ + "[" + std::to_string(::getpid()) +
                          "]: " + std::string(text);
    return ::sendto(socket_.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                    reinterpret_cast<const sockaddr*>(&daemon), sizeof daemon) >= 0;
}

} // namespace einhyrningsins::os
