// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/listen.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace einhyrningsins;
using namespace einhyrningsins::os;
using namespace os_test;
using config::ip_family;

namespace {

config::bind_spec inet(const std::string& host, std::uint16_t port = 0) {
    config::bind_spec spec;
    spec.address = config::inet_address{host, port};
    return spec;
}

config::bind_spec handed(const std::string& name) {
    config::bind_spec spec;
    spec.address = config::systemd_socket{name};
    return spec;
}

config::bind_spec inherited(int fd) {
    config::bind_spec spec;
    spec.address = config::inherited_fd{fd};
    return spec;
}

result<std::vector<opened_listener>> open_all(const config::bind_spec& spec, ip_family family) {
    look_ups names;
    names.add(queries_of(spec, family));
    return open_listener(spec, family, 77, names);
}

opened_listener open_one(const config::bind_spec& spec, ip_family family = ip_family::any) {
    auto made = open_all(spec, family);
    BOOST_REQUIRE_MESSAGE(made, made.error().message());
    BOOST_REQUIRE(made->size() == 1U);
    return std::move(made->front());
}

std::uint16_t port_of(const opened_listener& one) {
    return static_cast<std::uint16_t>(
        std::stoi(one.facts.address.substr(one.facts.address.rfind(':') + 1)));
}

int option(int fd, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    ::getsockopt(fd, level, name, &value, &size);
    return value;
}

/// The backlog of a listening TCP socket, see tcp_get_info() in the kernel.
unsigned backlog_of(int fd) {
    tcp_info info{};
    socklen_t size = sizeof info;
    ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size);
    return info.tcpi_sacked;
}

bool reaches_v4(std::uint16_t port) {
    unique_fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(client.get(), reinterpret_cast<sockaddr*>(&where), sizeof where) == 0;
}

bool reaches_v6(std::uint16_t port) {
    unique_fd client(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 where{};
    where.sin6_family = AF_INET6;
    where.sin6_port = htons(port);
    where.sin6_addr = in6addr_loopback;
    return ::connect(client.get(), reinterpret_cast<sockaddr*>(&where), sizeof where) == 0;
}

bool has_ipv6() {
    unique_fd probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 where{};
    where.sin6_family = AF_INET6;
    where.sin6_addr = in6addr_loopback;
    return ::bind(probe.get(), reinterpret_cast<sockaddr*>(&where), sizeof where) == 0;
}

/// Puts sockets at descriptors 3, 4, ... with the variables that describe them.
void hand_over(int count, const char* names) {
    ::close_range(3, ~0U, 0);
    for (int i = 0; i < count; ++i) {
        int fd = ::socket(AF_INET, SOCK_STREAM, 0);
        ::listen(fd, 5);
    }
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", std::to_string(count).c_str(), 1);
    if (names) ::setenv("LISTEN_FDNAMES", names, 1);
}

} // namespace

BOOST_AUTO_TEST_SUITE(listeners)

BOOST_AUTO_TEST_CASE(an_address_with_port_zero_tells_its_real_port) {
    auto one = open_one(inet("127.0.0.1"));
    BOOST_TEST(port_of(one) != 0);
    BOOST_TEST(one.facts.address == "127.0.0.1:" + std::to_string(port_of(one)));
    BOOST_TEST(one.facts.server_starter_key == one.facts.address);
    BOOST_TEST(one.facts.family == "AF_INET");
    BOOST_TEST(!one.facts.file);
    BOOST_TEST(reaches_v4(port_of(one)));
    BOOST_TEST((::fcntl(one.fd.get(), F_GETFD) & FD_CLOEXEC));
    BOOST_TEST(!(::fcntl(one.fd.get(), F_GETFL) & O_NONBLOCK));
    BOOST_TEST(option(one.fd.get(), SOL_SOCKET, SO_REUSEADDR) == 0);
    BOOST_TEST(option(one.fd.get(), SOL_SOCKET, SO_REUSEPORT) == 0);
    BOOST_TEST(backlog_of(one.fd.get()) == 77U);
}

BOOST_AUTO_TEST_CASE(options_do_what_they_say) {
    auto spec = inet("127.0.0.1");
    spec.reuse_address = spec.non_blocking = spec.reuse_port = true;
    spec.backlog = 13;
    spec.name = "web";
    auto one = open_one(spec);
    BOOST_TEST(one.facts.name == "web");
    BOOST_TEST((::fcntl(one.fd.get(), F_GETFL) & O_NONBLOCK));
    BOOST_TEST(option(one.fd.get(), SOL_SOCKET, SO_REUSEADDR) == 1);
    BOOST_TEST(option(one.fd.get(), SOL_SOCKET, SO_REUSEPORT) == 1);
    BOOST_TEST(backlog_of(one.fd.get()) == 13U);
}

BOOST_AUTO_TEST_CASE(a_taken_port_is_an_error) {
    auto first = open_one(inet("127.0.0.1"));
    auto second = open_all(inet("127.0.0.1", port_of(first)), ip_family::any);
    BOOST_REQUIRE(!second);
    BOOST_TEST(second.error().message() == "bind: Address already in use");
}

BOOST_AUTO_TEST_CASE(every_address_is_one_socket_for_both_families) {
    if (!has_ipv6()) return;
    auto one = open_one(inet(""));
    BOOST_TEST(one.facts.family == "AF_INET6");
    BOOST_TEST(one.facts.server_starter_key == std::to_string(port_of(one)));
    BOOST_TEST(one.facts.address == "[::]:" + one.facts.server_starter_key);
    BOOST_TEST(reaches_v4(port_of(one)));
    BOOST_TEST(reaches_v6(port_of(one)));
}

BOOST_AUTO_TEST_CASE(every_address_of_one_family_is_that_family_only) {
    auto four = open_one(inet(""), ip_family::v4);
    BOOST_TEST(four.facts.address == "0.0.0.0:" + std::to_string(port_of(four)));
    BOOST_TEST(reaches_v4(port_of(four)));
    if (!has_ipv6()) return;
    BOOST_TEST(!reaches_v6(port_of(four)));
    auto six = open_one(inet(""), ip_family::v6);
    BOOST_TEST(six.facts.family == "AF_INET6");
    BOOST_TEST(reaches_v6(port_of(six)));
    BOOST_TEST(!reaches_v4(port_of(six)));
}

BOOST_AUTO_TEST_CASE(an_address_of_the_wrong_family_is_an_error) {
    auto six = open_all(inet("::1"), ip_family::v4);
    BOOST_REQUIRE(!six);
    BOOST_TEST(six.error().message().starts_with("::1: "));
    BOOST_TEST(six.error().message().ends_with("(only IPv4 was asked for)"));
    auto four = open_all(inet("127.0.0.1"), ip_family::v6);
    BOOST_REQUIRE(!four);
    BOOST_TEST(four.error().message().ends_with("(only IPv6 was asked for)"));
}

BOOST_AUTO_TEST_CASE(an_ipv6_address_is_written_in_brackets) {
    if (!has_ipv6()) return;
    auto one = open_one(inet("::1"));
    BOOST_TEST(one.facts.address == "[::1]:" + std::to_string(port_of(one)));
    BOOST_TEST(one.facts.server_starter_key == one.facts.address);
    BOOST_TEST(one.facts.family == "AF_INET6");
}

BOOST_AUTO_TEST_CASE(a_name_prefers_ipv4) {
    BOOST_TEST(open_one(inet("localhost")).facts.address.starts_with("127.0.0.1:"));
}

BOOST_AUTO_TEST_CASE(udp_is_bound_and_does_not_listen) {
    auto spec = inet("127.0.0.1");
    spec.kind = config::transport::datagram;
    auto one = open_one(spec);
    std::string key = "127.0.0.1:" + std::to_string(port_of(one));
    BOOST_TEST(one.facts.address == "udp " + key);
    BOOST_TEST(one.facts.server_starter_key == key);
    BOOST_TEST(option(one.fd.get(), SOL_SOCKET, SO_TYPE) == SOCK_DGRAM);
}

BOOST_AUTO_TEST_CASE(a_unix_path_is_told_with_its_file) {
    scratch directory;
    config::bind_spec spec;
    spec.address = config::unix_address{directory / "a.sock", false};
    spec.mode = 0660;
    spec.non_blocking = true;
    auto one = open_one(spec);
    BOOST_TEST(one.facts.address == directory / "a.sock");
    BOOST_TEST(one.facts.server_starter_key == one.facts.address);
    BOOST_TEST(one.facts.family == "AF_UNIX");
    BOOST_TEST((::fcntl(one.fd.get(), F_GETFL) & O_NONBLOCK));
    struct stat facts {};
    BOOST_TEST(::stat(one.facts.address.c_str(), &facts) == 0);
    BOOST_TEST((facts.st_mode & 0777) == 0660U);
    BOOST_REQUIRE(one.facts.file);
    remove_socket_file(*one.facts.file);
    BOOST_TEST(!exists(one.facts.address));
}

/// It is bound by another path then.
BOOST_AUTO_TEST_CASE(a_unix_path_below_a_directory_of_others_is_told_as_it_was_given,
                     *boost::unit_test::precondition(needs_root)) {
    scratch directory;
    std::string app = directory / "app";
    BOOST_REQUIRE((::mkdir(app.c_str(), 0755) == 0 && ::mkdir((app + "/run").c_str(), 0755) == 0));
    BOOST_REQUIRE(::chown(app.c_str(), 65534, 65534) == 0);
    config::bind_spec spec;
    spec.address = config::unix_address{.path = app + "/run/a.sock"};
    auto made = open_one(spec);
    BOOST_TEST(made.facts.address == app + "/run/a.sock");
    BOOST_TEST(made.facts.server_starter_key == app + "/run/a.sock");
}

BOOST_AUTO_TEST_CASE(an_unknown_owner_is_an_error_before_anything_is_made) {
    scratch directory;
    config::bind_spec spec;
    spec.address = config::unix_address{directory / "a.sock", false};
    spec.user = "no-such-user-here";
    auto made = open_all(spec, ip_family::any);
    BOOST_REQUIRE(!made);
    BOOST_TEST(made.error().message() == "no user is called no-such-user-here");
    BOOST_TEST(!exists(directory / "a.sock"));
}

BOOST_AUTO_TEST_CASE(an_abstract_name_has_no_file_and_no_key) {
    config::bind_spec spec;
    std::string name = "os_test." + std::to_string(::getpid());
    spec.address = config::unix_address{name, true};
    auto one = open_one(spec);
    BOOST_TEST(one.facts.address == "@" + name);
    BOOST_TEST(one.facts.server_starter_key.empty());
    BOOST_TEST(!one.facts.file);
    BOOST_TEST(open_all(spec, ip_family::any).error().number == EADDRINUSE);
}

BOOST_AUTO_TEST_CASE(an_inherited_socket_is_duplicated_and_kept_from_programs) {
    auto original = open_one(inet("127.0.0.1"));
    ::fcntl(original.fd.get(), F_SETFD, 0);
    auto spec = inherited(original.fd.get());
    spec.backlog = 21;
    auto one = open_one(spec);
    BOOST_TEST(one.facts.address == original.facts.address);
    BOOST_TEST(one.fd.get() != original.fd.get());
    BOOST_TEST((::fcntl(one.fd.get(), F_GETFD) & FD_CLOEXEC));
    BOOST_TEST((::fcntl(original.fd.get(), F_GETFD) & FD_CLOEXEC));
    BOOST_TEST(backlog_of(one.fd.get()) == 21U);
}

BOOST_AUTO_TEST_CASE(a_descriptor_that_is_closed_or_no_socket_is_an_error) {
    BOOST_TEST(open_all(inherited(4000), ip_family::any).error().message() ==
               "descriptor 4000: Bad file descriptor");
    unique_fd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    auto made = open_all(inherited(file.get()), ip_family::any);
    BOOST_REQUIRE(!made);
    BOOST_TEST(made.error().number == ENOTSOCK);
    BOOST_TEST(made.error().what.ends_with("is not a socket that can be shared"));
}

BOOST_AUTO_TEST_CASE(systemd_sockets_are_taken_by_name_or_all) {
    BOOST_TEST(in_child([] {
                   hand_over(3, "web:admin:web");
                   auto all = open_all(handed(""), ip_family::any);
                   auto web = open_all(handed("web"), ip_family::any);
                   auto admin = open_all(handed("admin"), ip_family::any);
                   if (!all || !web || !admin) return 99;
                   return first_failure({all->size() == 3, web->size() == 2, admin->size() == 1,
                                         target_of((*web)[1].fd.get()) == target_of(5),
                                         target_of((*admin)[0].fd.get()) == target_of(4)});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(a_name_that_systemd_did_not_give_is_an_error_that_lists_those_it_did) {
    BOOST_TEST(in_child([] {
                   hand_over(3, "web:admin");
                   auto made = open_all(handed("wbe"), ip_family::any);
                   return first_failure(
                       {!made, made.has_error() && made.error().message().ends_with(
                                                       "the names are: web, admin, unknown")});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(sockets_for_another_process_are_not_taken) {
    BOOST_TEST(in_child([] {
                   hand_over(1, nullptr);
                   ::setenv("LISTEN_PID", "1", 1);
                   auto made = open_all(handed(""), ip_family::any);
                   return first_failure({!made, made.has_error() && made.error().what.starts_with(
                                                                        "no socket was passed")});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(rubbish_in_the_variables_is_an_error) {
    for (const char* count : {"", "-1", "many", "99999999999999999999"})
        BOOST_TEST(in_child([&] {
                       hand_over(0, nullptr);
                       ::setenv("LISTEN_FDS", count, 1);
                       return first_failure({!open_all(handed(""), ip_family::any)});
                   }) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
