// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/listen.hpp"

#include "os/credentials.hpp"
#include "os/low_numbers.hpp"
#include "os/socket_address.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

using config::ip_family;

struct request {
    const config::bind_spec& spec;
    ip_family family;
    int backlog;

    int type() const { return spec.kind == config::transport::stream ? SOCK_STREAM : SOCK_DGRAM; }
    int queue() const { return spec.backlog.value_or(backlog); }
};

result<void> set_flag(int fd, int level, int option, int value, const char* name) {
    if (::setsockopt(fd, level, option, &value, sizeof value) != 0) return last_error(name);
    return {};
}

/// What holds for every socket, wherever it came from, if it was asked for.
result<void> apply_options(int fd, const config::bind_spec& spec) {
    if (spec.reuse_address)
        if (auto done = set_flag(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"); !done)
            return done;
    if (spec.reuse_port)
        if (auto done = set_flag(fd, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT"); !done)
            return done;
    if (spec.non_blocking && ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK) != 0)
        return last_error("O_NONBLOCK");
    return {};
}

result<opened_listener> describe(unique_fd fd, const config::bind_spec& spec) {
    auto address = local_address(fd.get());
    if (!address) return address.error();
    opened_listener made;
    leave_low_numbers(fd);
    made.fd = std::move(fd);
    made.address = address->text;
    made.family = address->family;
    made.server_starter_key = address->server_starter_key;
    made.name = spec.name;
    return made;
}

/// `only_v6` is IPV6_V6ONLY; nothing leaves it to the system, as for every address that the user
/// spells out.
result<unique_fd> bind_inet(const request& wish, const sockaddr* address, socklen_t size,
                            std::optional<bool> only_v6) {
    unique_fd fd(::socket(address->sa_family, wish.type() | SOCK_CLOEXEC, 0));
    if (!fd) return last_error("socket");
    if (auto done = apply_options(fd.get(), wish.spec); !done) return done.error();
    if (only_v6)
        if (auto done = set_flag(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, *only_v6, "IPV6_V6ONLY");
            !done)
            return done.error();
    if (::bind(fd.get(), address, size) != 0) return last_error("bind");
    if (wish.type() == SOCK_STREAM && ::listen(fd.get(), wish.queue()) != 0)
        return last_error("listen");
    return fd;
}

result<unique_fd> bind_every_address(const request& wish, std::uint16_t port) {
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    if (wish.family != ip_family::v4) {
        auto fd = bind_inet(wish, reinterpret_cast<sockaddr*>(&six), sizeof six,
                            wish.family == ip_family::v6);
        // A kernel without IPv6 has no such sockets or no such address.
        bool without =
            !fd && (fd.error().number == EAFNOSUPPORT || fd.error().number == EADDRNOTAVAIL);
        if (wish.family == ip_family::v6 || !without) return fd;
    }
    return bind_inet(wish, reinterpret_cast<sockaddr*>(&four), sizeof four, std::nullopt);
}

int address_family(ip_family family) {
    return family == ip_family::v4 ? AF_INET : family == ip_family::v6 ? AF_INET6 : AF_UNSPEC;
}

using address_list = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

result<address_list> resolve(const request& wish, const config::inet_address& where) {
    addrinfo hints{};
    hints.ai_family = address_family(wish.family);
    hints.ai_socktype = wish.type();
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    std::string port = std::to_string(where.port);
    int error = ::getaddrinfo(where.host.c_str(), port.c_str(), &hints, &found);
    if (error == EAI_SYSTEM) return last_error(where.host);
    if (error != 0) {
        const char* family = wish.family == ip_family::v4   ? " (only IPv4 was asked for)"
                             : wish.family == ip_family::v6 ? " (only IPv6 was asked for)"
                                                            : "";
        return os_error{where.host + ": " + ::gai_strerror(error) + family};
    }
    return address_list(found, &::freeaddrinfo);
}

/// The first address that can be bound. IPv4 comes first, as with einhorn: "localhost" is 127.0.0.1
/// to most users.
result<unique_fd> bind_name(const request& wish, const config::inet_address& where) {
    auto addresses = resolve(wish, where);
    if (!addresses) return addresses.error();
    result<unique_fd> bound = os_error{where.host + " has no address"};
    for (int family : {AF_INET, AF_INET6})
        for (const addrinfo* one = addresses->get(); one; one = one->ai_next) {
            if (one->ai_family != family) continue;
            std::optional<bool> only_v6;
            if (wish.family == ip_family::v6) only_v6 = true;
            bound = bind_inet(wish, one->ai_addr, one->ai_addrlen, only_v6);
            if (bound) return bound;
        }
    return bound;
}

result<std::vector<opened_listener>> one(result<opened_listener> made) {
    if (!made) return made.error();
    std::vector<opened_listener> all;
    all.push_back(std::move(*made));
    return all;
}

result<std::vector<opened_listener>> open(const request& wish, const config::inet_address& where) {
    auto fd = where.host.empty() ? bind_every_address(wish, where.port) : bind_name(wish, where);
    if (!fd) return fd.error();
    return one(describe(std::move(*fd), wish.spec));
}

result<unix_socket_options> socket_options(const request& wish, const std::string& path) {
    unix_socket_options options{.path = path, .type = wish.type(), .backlog = wish.queue()};
    if (wish.spec.mode) options.mode = *wish.spec.mode;
    if (!wish.spec.user.empty()) {
        auto user = user_id(wish.spec.user);
        if (!user) return user.error();
        options.user = *user;
    }
    if (!wish.spec.group.empty()) {
        auto group = group_id(wish.spec.group);
        if (!group) return group.error();
        options.group = *group;
    }
    return options;
}

result<opened_listener> open_path(const request& wish, const config::unix_address& where) {
    auto options = socket_options(wish, where.path);
    if (!options) return options.error();
    auto made = open_unix_socket(*options);
    if (!made) return made.error();
    auto listener = describe(std::move(made->fd), wish.spec);
    if (!listener) {
        remove_socket_file(made->file);
        return listener;
    }
    listener->file = std::move(made->file);
    return listener;
}

result<std::vector<opened_listener>> open(const request& wish, const config::unix_address& where) {
    if (!where.abstract) {
        auto made = open_path(wish, where);
        if (!made) return made.error();
        if (auto done = apply_options(made->fd.get(), wish.spec); !done) {
            remove_socket_file(*made->file);
            return done.error();
        }
        return one(std::move(made));
    }
    auto fd = open_abstract_socket(where.path, wish.type(), wish.queue());
    if (!fd) return fd.error();
    if (auto done = apply_options(fd->get(), wish.spec); !done) return done.error();
    return one(describe(std::move(*fd), wish.spec));
}

/// A duplicate of a socket that was handed to us, out of the way of the numbers that workers use.
/// The original is left open, for the same one may be asked for twice, but not to programs.
result<opened_listener> take_over(const request& wish, int number) {
    std::string subject = "descriptor " + std::to_string(number);
    unique_fd fd(::fcntl(number, F_DUPFD_CLOEXEC, 3));
    if (!fd) return last_error(subject);
    if (number > STDERR_FILENO) ::fcntl(number, F_SETFD, FD_CLOEXEC);
    auto made = describe(std::move(fd), wish.spec);
    if (!made) return os_error{subject + " is no socket that can be shared", made.error().number};
    if (auto done = apply_options(made->fd.get(), wish.spec); !done) return done.error();
    if (wish.spec.backlog && ::listen(made->fd.get(), *wish.spec.backlog) != 0)
        return last_error(subject + ": backlog");
    return made;
}

result<std::vector<opened_listener>> open(const request& wish, const config::inherited_fd& where) {
    return one(take_over(wish, where.number));
}

std::string_view variable(const char* name) {
    const char* value = ::getenv(name);
    return value ? value : "";
}

/// The names of the sockets from descriptor 3 up, by the protocol of sd_listen_fds(3); none if
/// there are no sockets for this process.
std::vector<std::string> names_handed_over() {
    if (variable("LISTEN_PID") != std::to_string(::getpid())) return {};
    constexpr int most = 1024; // whatever the variable says
    int count = std::clamp(std::atoi(std::string(variable("LISTEN_FDS")).c_str()), 0, most);
    std::vector<std::string> names;
    std::string_view rest = variable("LISTEN_FDNAMES");
    while (static_cast<int>(names.size()) < count) {
        std::size_t end = std::min(rest.find(':'), rest.size());
        names.emplace_back(rest.empty() ? "unknown" : rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return names;
}

result<std::vector<opened_listener>> open(const request& wish,
                                          const config::systemd_socket& where) {
    std::vector<std::string> names = names_handed_over();
    if (names.empty())
        return os_error{"no socket was handed over: LISTEN_PID and LISTEN_FDS of systemd's socket "
                        "activation are not set for this process"};
    std::vector<opened_listener> taken;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (!where.name.empty() && names[i] != where.name) continue;
        auto made = take_over(wish, 3 + static_cast<int>(i));
        if (!made) return made.error();
        taken.push_back(std::move(*made));
    }
    if (!taken.empty()) return taken;
    std::string there;
    for (const std::string& name : names)
        there += (there.empty() ? "" : ", ") + name;
    return os_error{"no socket of that name was handed over; there are: " + there};
}

} // namespace

result<std::vector<opened_listener>> open_listener(const config::bind_spec& spec, ip_family family,
                                                   int backlog) {
    request wish{spec, family, backlog};
    return std::visit([&](const auto& where) { return open(wish, where); }, spec.address);
}

result<void> change_options(int fd, const socket_file* file, const config::bind_spec& spec,
                            int backlog) {
    request wish{spec, ip_family::any, backlog};
    if (auto done = apply_options(fd, spec); !done) return done;
    if (wish.type() == SOCK_STREAM && ::listen(fd, wish.queue()) != 0) return last_error("backlog");
    if (!file) return {};
    auto options = socket_options(wish, file->path);
    return options ? set_rights(*file, *options) : options.error();
}

result<unique_fd> duplicate(int fd) {
    unique_fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (!copy) return last_error("duplicate a listener");
    leave_low_numbers(copy);
    return copy;
}

} // namespace einhyrningsins::os
