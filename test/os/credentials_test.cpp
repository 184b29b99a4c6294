// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/credentials.hpp"
#include "os/unix_socket.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <cstring>

#include <grp.h>
#include <nss.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace einhyrningsins::os;
using namespace os_test;

namespace {

/// Everybody may connect there.
unix_socket listen_in(const scratch& directory) {
    auto server = open_unix_socket({.path = directory / "a.sock",
                                    .type = SOCK_STREAM,
                                    .backlog = 8,
                                    .mode = 0666,
                                    .user = {},
                                    .group = {}});
    BOOST_REQUIRE(server);
    return std::move(*server);
}

/// The connection stays open until this process ends.
bool connects_to(const scratch& directory) {
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    std::strcpy(where.sun_path, (directory / "a.sock").c_str());
    int client = ::socket(AF_UNIX, SOCK_STREAM, 0);
    return ::connect(client, reinterpret_cast<sockaddr*>(&where), sizeof where) == 0;
}

} // namespace

BOOST_AUTO_TEST_SUITE(credentials)

BOOST_AUTO_TEST_CASE(a_peer_is_known) {
    int both[2];
    BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) == 0);
    auto who = peer_of(both[0]);
    BOOST_REQUIRE(who);
    BOOST_TEST(who->pid == ::getpid());
    BOOST_TEST(who->uid == ::geteuid());
    BOOST_TEST(who->gid == ::getegid());
    BOOST_TEST(who->groups.size() == static_cast<std::size_t>(::getgroups(0, nullptr)));
    ::close(both[0]);
    ::close(both[1]);
    BOOST_TEST(!peer_of(both[0]));
}

BOOST_AUTO_TEST_CASE(a_peer_of_another_user_with_many_groups_is_known,
                     *boost::unit_test::precondition(needs_root)) {
    scratch directory;
    unix_socket server = listen_in(directory);
    std::vector<gid_t> groups;
    for (gid_t one = 5000; one < 5100; ++one)
        groups.push_back(one);
    pid_t child = ::fork();
    if (child == 0) {
        ::chmod(directory.path().c_str(), 0755);
        if (::setgroups(groups.size(), groups.data()) != 0 || ::setresgid(4001, 4001, 4001) != 0 ||
            ::setresuid(4000, 4000, 4000) != 0)
            ::_exit(1);
        ::_exit(connects_to(directory) ? 0 : 2);
    }
    unique_fd client(::accept4(server.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
    BOOST_TEST(exit_code_of(child) == 0);
    auto who = peer_of(client.get());
    BOOST_REQUIRE(who);
    BOOST_TEST(who->pid == child);
    BOOST_TEST(who->uid == 4000U);
    BOOST_TEST(who->gid == 4001U);
    BOOST_TEST(who->groups == groups, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_peer_is_gone_when_it_was_reaped_though_its_child_holds_the_socket) {
    scratch directory;
    unix_socket server = listen_in(directory);
    int stays[2];
    BOOST_REQUIRE(::pipe(stays) == 0);
    pid_t child = ::fork();
    if (child == 0) {
        connects_to(directory);
        ::close(stays[1]);
        char c;
        if (::fork() == 0) ::_exit(::read(stays[0], &c, 1) == 0 ? 0 : 1);
        ::_exit(0);
    }
    unique_fd client(::accept4(server.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
    BOOST_REQUIRE(peer_of(client.get())->pid == child);
    if (presence_of_peer(client.get()) == peer_presence::unknown) return; // an older kernel
    siginfo_t ended{};
    ::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT);
    BOOST_TEST((presence_of_peer(client.get()) == peer_presence::there));
    exit_code_of(child);
    BOOST_TEST((presence_of_peer(client.get()) == peer_presence::gone));
    ::close(stays[0]);
    ::close(stays[1]);
}

BOOST_AUTO_TEST_CASE(the_user_of_a_process_is_the_effective_one,
                     *boost::unit_test::precondition(needs_root)) {
    BOOST_TEST(*user_of(::getpid()) == ::geteuid());
    BOOST_TEST(!user_of(0));
    BOOST_TEST(
        in_child([] {
            ::prctl(PR_SET_NAME, "\nUid:\t7\t7");
            return first_failure({::setresuid(4001, 4000, 0) == 0, user_of(::getpid()) == 4000U});
        }) == 0);
}

BOOST_AUTO_TEST_CASE(a_parent_is_found_whatever_the_child_is_called) {
    pid_t parent = ::getpid();
    for (const char* name : {"plain", ") S 1 (", "a) R 1", "((()))", "\n) Z 1\n"})
        BOOST_TEST(in_child([&] {
                       ::prctl(PR_SET_NAME, name);
                       return first_failure({parent_of(::getpid()) == parent});
                   }) == 0,
                   name);
}

BOOST_AUTO_TEST_CASE(a_process_that_is_gone_has_no_parent) {
    pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    exit_code_of(child);
    BOOST_TEST(!parent_of(child));
    BOOST_TEST(!parent_of(0));
}

BOOST_AUTO_TEST_CASE(users_and_groups_have_names_or_numbers) {
    BOOST_TEST(*user_id("root") == 0U);
    BOOST_TEST(*user_id("1234567") == 1234567U);
    BOOST_TEST(*group_id("root") == 0U);
    BOOST_TEST(*group_id("0") == 0U);
    BOOST_TEST(group_id("no-such-group-here").error().message() ==
               "no group is called no-such-group-here");
    BOOST_TEST(!user_id("4294967295")); // -1 would mean "unchanged"
    BOOST_TEST(!user_id("-1"));
    BOOST_TEST(!user_id("4294967296"));
    BOOST_TEST(!user_id(""));
}

/// With the file alone: another source that does not know the user hides the error.
BOOST_AUTO_TEST_CASE(a_user_database_that_cannot_be_asked_is_no_unknown_user) {
    BOOST_TEST(in_child([] {
                   ::__nss_configure_lookup("passwd", "files");
                   auto nobody = find_account(3999999999U);
                   rlimit none{0, 0};
                   ::setrlimit(RLIMIT_NOFILE, &none);
                   auto root = find_account(0);
                   return first_failure({nobody && !*nobody, !root,
                                         root.has_error() && root.error().number == EMFILE});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(a_peer_that_has_ended_is_not_there_where_signals_are_refused) {
    int both[2];
    BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) == 0);
    if (presence_of_peer(both[0]) == peer_presence::unknown) return; // an older kernel
    scratch directory;
    unix_socket server = listen_in(directory);
    pid_t child = ::fork();
    if (child == 0) {
        connects_to(directory);
        ::_exit(0);
    }
    unique_fd client(::accept4(server.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
    siginfo_t ended{};
    ::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT);
    BOOST_TEST(in_child([&] {
                   refuse({SYS_pidfd_send_signal}, EPERM);
                   return first_failure({presence_of_peer(both[0]) == peer_presence::there,
                                         presence_of_peer(client.get()) == peer_presence::unknown});
               }) == 0);
    exit_code_of(child);
    ::close(both[0]);
    ::close(both[1]);
}

BOOST_AUTO_TEST_SUITE_END()
