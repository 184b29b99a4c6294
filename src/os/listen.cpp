// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/listen.hpp"

#include "os/low_numbers.hpp"
#include "os/socket_address.hpp"

#include <algorithm>

#include <fcntl.h>
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
    const look_ups& names;

    int type() const { return spec.kind == config::transport::stream ? SOCK_STREAM : SOCK_DGRAM; }
    int queue() const { return spec.backlog.value_or(backlog); }
};

result<void> set_flag(int fd, int level, int option, int value, const char* name) {
    if (::setsockopt(fd, level, option, &value, sizeof value) != 0) return last_error(name);
    return {};
}

/// Sets the options of a SPEC that apply to sockets of any origin.
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

result<opened_listener> describe(unique_fd fd, const request& wish) {
    auto address = local_address(fd.get());
    if (!address) return address.error();
    leave_low_numbers(fd);
    return opened_listener{std::move(fd),
                           {.address = std::move(address->text),
                            .family = std::move(address->family),
                            .server_starter_key = std::move(address->server_starter_key),
                            .name = wish.spec.name,
                            .spec = model::listener_spec{wish.spec, wish.family}}};
}

/// `only_v6` is IPV6_V6ONLY; nothing: the system's default, as for all explicit addresses.
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
        // Without IPv6, the kernel has no such sockets or no such address.
        bool without =
            !fd && (fd.error().number == EAFNOSUPPORT || fd.error().number == EADDRNOTAVAIL);
        if (wish.family == ip_family::v6 || !without) return fd;
    }
    return bind_inet(wish, reinterpret_cast<sockaddr*>(&four), sizeof four, std::nullopt);
}

void set_port(inet_endpoint& endpoint, std::uint16_t port) {
    if (endpoint.address.ss_family == AF_INET)
        reinterpret_cast<sockaddr_in&>(endpoint.address).sin_port = htons(port);
    else
        reinterpret_cast<sockaddr_in6&>(endpoint.address).sin6_port = htons(port);
}

/// Binds the first address that can be bound. IPv4 is tried first, as in einhorn: to most users,
/// "localhost" is 127.0.0.1.
result<unique_fd> bind_name(const request& wish, const config::inet_address& where) {
    auto endpoints = wish.names.of(query::host{where.host, wish.family});
    if (!endpoints) return endpoints.error();
    std::ranges::stable_partition(
        *endpoints, [](const inet_endpoint& one) { return one.address.ss_family == AF_INET; });
    std::optional<bool> only_v6;
    if (wish.family == ip_family::v6) only_v6 = true;
    result<unique_fd> bound = os_error{where.host + " has no address"};
    for (inet_endpoint& one : *endpoints) {
        set_port(one, where.port);
        bound = bind_inet(wish, reinterpret_cast<sockaddr*>(&one.address), one.size, only_v6);
        if (bound) break;
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
    return one(describe(std::move(*fd), wish));
}

result<unix_socket_options> socket_options(const request& wish, const std::string& path) {
    unix_socket_options options{.path = path, .type = wish.type(), .backlog = wish.queue()};
    if (wish.spec.mode) options.mode = *wish.spec.mode;
    if (!wish.spec.user.empty()) {
        auto user = wish.names.of(query::user{wish.spec.user});
        if (!user) return user.error();
        options.user = *user;
    }
    if (!wish.spec.group.empty()) {
        auto group = wish.names.of(query::group{wish.spec.group});
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
    auto listener = describe(std::move(made->fd), wish);
    if (!listener) {
        (void)remove_socket_file(made->file);
        return listener;
    }
    listener->facts.address = listener->facts.server_starter_key = where.path; // not as it was held
    listener->facts.file = std::move(made->file);
    return listener;
}

result<std::vector<opened_listener>> open(const request& wish, const config::unix_address& where) {
    if (!where.abstract) {
        auto made = open_path(wish, where);
        if (!made) return made.error();
        if (auto done = apply_options(made->fd.get(), wish.spec); !done) {
            (void)remove_socket_file(*made->facts.file);
            return done.error();
        }
        return one(std::move(made));
    }
    auto fd = open_abstract_socket(where.path, wish.type(), wish.queue());
    if (!fd) return fd.error();
    if (auto done = apply_options(fd->get(), wish.spec); !done) return done.error();
    return one(describe(std::move(*fd), wish));
}

/// Duplicates an inherited socket, away from the descriptor numbers that workers use. The original
/// stays open, since it may be used by several SPECs, but gets close-on-exec.
result<opened_listener> take_over(const request& wish, int number) {
    std::string subject = "descriptor " + std::to_string(number);
    unique_fd fd(::fcntl(number, F_DUPFD_CLOEXEC, 3));
    if (!fd) return last_error(subject);
    if (number > STDERR_FILENO) ::fcntl(number, F_SETFD, FD_CLOEXEC);
    auto made = describe(std::move(fd), wish);
    if (!made)
        return os_error{subject + " is not a socket that can be shared", made.error().number};
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

/// The names of the sockets from descriptor 3 up, by the protocol of sd_listen_fds(3); empty if no
/// sockets were passed to this process.
std::vector<std::string> names_passed() {
    if (variable("LISTEN_PID") != std::to_string(::getpid())) return {};
    constexpr int most = 1024; // regardless of the variable
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
    std::vector<std::string> names = names_passed();
    if (names.empty())
        return os_error{"no socket was passed: LISTEN_PID and LISTEN_FDS of systemd's socket "
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
    return os_error{"no socket with this name was passed; the names are: " + there};
}

} // namespace

std::vector<any_query> queries_of(const config::bind_spec& spec, ip_family family) {
    std::vector<any_query> all;
    auto* inet = std::get_if<config::inet_address>(&spec.address);
    if (inet && !inet->host.empty()) all.push_back(query::host{inet->host, family});
    if (!spec.user.empty()) all.push_back(query::user{spec.user});
    if (!spec.group.empty()) all.push_back(query::group{spec.group});
    return all;
}

result<std::vector<opened_listener>> open_listener(const config::bind_spec& spec, ip_family family,
                                                   int backlog, const look_ups& names) {
    request wish{spec, family, backlog, names};
    return std::visit([&](const auto& where) { return open(wish, where); }, spec.address);
}

result<void> change_options(int fd, const socket_file* file, const config::bind_spec& spec,
                            int backlog, const look_ups& names) {
    request wish{spec, ip_family::any, backlog, names};
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
