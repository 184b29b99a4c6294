// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/unix_socket.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <filesystem>
#include <functional>
#include <utility>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

using namespace einhyrningsins::os;
using namespace os_test;

namespace {

/// What another user does just before or after the next bind(2).
std::function<void()> before_bind, after_bind;

void happen(std::function<void()>& what) {
    if (auto now = std::exchange(what, nullptr)) now();
}

} // namespace

/// Replaces that of the C library.
extern "C" int bind(int fd, const sockaddr* address, socklen_t size) noexcept {
    happen(before_bind);
    long bound = ::syscall(SYS_bind, fd, address, size);
    int why = errno;
    happen(after_bind);
    errno = why;
    return static_cast<int>(bound);
}

namespace {

struct fixture {
    scratch directory;
    unix_socket_options wishes{
        .path = directory / "a.sock", .type = SOCK_STREAM, .backlog = 8, .mode = {}};

    mode_t mode() const {
        struct stat facts {};
        BOOST_REQUIRE(::lstat(wishes.path.c_str(), &facts) == 0);
        return facts.st_mode & 07777;
    }
    /// A socket that nobody answers any more, as a killed master leaves it.
    void leave_stale() { BOOST_REQUIRE(open_unix_socket(wishes)); }
};

bool can_connect(const std::string& path) {
    unique_fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    std::strncpy(where.sun_path, path.c_str(), sizeof where.sun_path - 1);
    return ::connect(client.get(), reinterpret_cast<sockaddr*>(&where), sizeof where) == 0;
}

constexpr uid_t nobody = 65534;

/// The directory of the socket is in one of the user that the socket is for, who exchanges it for a
/// link to one of ours.
struct exchange : fixture {
    std::string app = directory / "app", run = app + "/run", ours = directory / "ours";

    exchange() {
        BOOST_REQUIRE(::chmod(directory.path().c_str(), 0755) == 0);
        for (const std::string& each : {app, run, ours})
            BOOST_REQUIRE(::mkdir(each.c_str(), 0755) == 0);
        BOOST_REQUIRE(::chown(app.c_str(), nobody, nobody) == 0);
        wishes.path = run + "/a.sock";
        wishes.user = nobody;
        wishes.mode = 0666;
    }
    ~exchange() { before_bind = after_bind = nullptr; }

    void go() const {
        std::filesystem::rename(run, app + "/old");
        std::filesystem::create_symlink(ours, run);
    }
    static struct stat facts_of(const std::string& path) {
        struct stat facts {};
        BOOST_REQUIRE(::lstat(path.c_str(), &facts) == 0);
        return facts;
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(unix_sockets, fixture)

BOOST_AUTO_TEST_CASE(the_mode_follows_the_umask_and_the_umask_stays) {
    mode_t before = ::umask(0027);
    auto made = open_unix_socket(wishes);
    BOOST_TEST(::umask(before) == 0027U);
    BOOST_REQUIRE(made);
    BOOST_TEST(mode() == 0750U);
    BOOST_TEST(can_connect(wishes.path));
}

BOOST_AUTO_TEST_CASE(a_mode_that_was_asked_for_ignores_the_umask) {
    wishes.mode = 0666;
    auto made = open_unix_socket(wishes);
    BOOST_REQUIRE(made);
    BOOST_TEST(mode() == 0666U);
}

BOOST_AUTO_TEST_CASE(owner_and_group_are_set, *boost::unit_test::precondition(needs_root)) {
    wishes.user = nobody;
    wishes.group = 12;
    auto made = open_unix_socket(wishes);
    BOOST_REQUIRE(made);
    struct stat facts {};
    BOOST_REQUIRE(::lstat(wishes.path.c_str(), &facts) == 0);
    BOOST_TEST(facts.st_uid == nobody);
    BOOST_TEST(facts.st_gid == 12U);
}

BOOST_AUTO_TEST_CASE(a_socket_that_nobody_answers_is_replaced) {
    leave_stale();
    auto made = open_unix_socket(wishes);
    BOOST_REQUIRE_MESSAGE(made, made.error().message());
    BOOST_TEST(is_in_place(made->file));
    BOOST_TEST(can_connect(wishes.path));
}

BOOST_AUTO_TEST_CASE(a_socket_that_answers_is_left_alone) {
    auto first = open_unix_socket(wishes);
    BOOST_REQUIRE(first);
    auto second = open_unix_socket(wishes);
    BOOST_REQUIRE(!second);
    BOOST_TEST(second.error().message() ==
               wishes.path + " is in use: another process answers there");
    BOOST_TEST(is_in_place(first->file));
}

BOOST_AUTO_TEST_CASE(a_full_backlog_is_an_answer) {
    wishes.backlog = 0;
    auto first = open_unix_socket(wishes);
    BOOST_REQUIRE(first);
    BOOST_TEST(can_connect(wishes.path)); // fills it
    BOOST_TEST(!open_unix_socket(wishes));
    BOOST_TEST(is_in_place(first->file));
}

BOOST_AUTO_TEST_CASE(a_live_socket_of_another_type_is_an_answer) {
    auto first = open_unix_socket(wishes);
    BOOST_REQUIRE(first);
    wishes.type = SOCK_DGRAM;
    BOOST_TEST(!open_unix_socket(wishes));
    BOOST_TEST(is_in_place(first->file));
}

BOOST_AUTO_TEST_CASE(what_is_no_socket_is_left_alone) {
    write_file(wishes.path, "precious");
    auto made = open_unix_socket(wishes);
    BOOST_REQUIRE(!made);
    BOOST_TEST(made.error().message() ==
               wishes.path + " exists and is not a socket; it is left alone");
    BOOST_TEST(contents(wishes.path) == "precious");
}

BOOST_AUTO_TEST_CASE(a_link_is_not_followed_wherever_it_leads) {
    std::string target = directory / "target";
    BOOST_REQUIRE(::symlink(target.c_str(), wishes.path.c_str()) == 0);
    auto made = open_unix_socket(wishes); // to nothing
    BOOST_REQUIRE(!made);
    BOOST_TEST(made.error().message() == wishes.path + " is a symbolic link; it is left alone");
    if (is_root() && ::lchown(wishes.path.c_str(), 65534, 65534) == 0)
        BOOST_TEST(open_unix_socket(wishes).error().message() ==
                   wishes.path + " is a symbolic link of user 65534; it is left alone");
    BOOST_TEST(!exists(target));
    unix_socket_options there = wishes;
    there.path = target;
    BOOST_REQUIRE(open_unix_socket(there));
    BOOST_TEST(!open_unix_socket(wishes)); // to a dead socket
    BOOST_TEST(exists(target));
}

BOOST_AUTO_TEST_CASE(another_users_socket_is_left_alone_unless_it_is_for_that_user,
                     *boost::unit_test::precondition(needs_root)) {
    leave_stale();
    BOOST_REQUIRE(::lchown(wishes.path.c_str(), nobody, nobody) == 0);
    auto made = open_unix_socket(wishes);
    BOOST_REQUIRE(!made);
    BOOST_TEST(made.error().message() == wishes.path + " belongs to user 65534; it is left alone");
    wishes.user = nobody;
    BOOST_TEST(bool(open_unix_socket(wishes)));
}

BOOST_FIXTURE_TEST_CASE(nothing_is_made_in_a_directory_that_was_put_in_place_of_another, exchange,
                        *boost::unit_test::precondition(needs_root)) {
    before_bind = [&] { go(); };
    auto made = open_unix_socket(wishes);
    BOOST_TEST(std::filesystem::is_empty(ours));
    BOOST_REQUIRE_MESSAGE(made, made.error().message());
    BOOST_TEST(facts_of(app + "/old/a.sock").st_uid == nobody);
    BOOST_TEST(can_connect(app + "/old/a.sock"));
    BOOST_TEST(made->file.path == wishes.path);
}

BOOST_FIXTURE_TEST_CASE(no_other_socket_gets_the_rights, exchange,
                        *boost::unit_test::precondition(needs_root)) {
    auto other = open_unix_socket({.path = ours + "/a.sock", .type = SOCK_STREAM, .mode = 0600});
    BOOST_REQUIRE(other);
    after_bind = [&] { go(); };
    auto made = open_unix_socket(wishes);
    BOOST_TEST(facts_of(ours + "/a.sock").st_uid == 0U);
    BOOST_TEST((facts_of(ours + "/a.sock").st_mode & 07777) == 0600U);
    BOOST_TEST(bool(made));
    BOOST_TEST(facts_of(app + "/old/a.sock").st_uid == nobody);
}

BOOST_FIXTURE_TEST_CASE(a_link_to_another_socket_is_not_the_one_that_was_made, exchange,
                        *boost::unit_test::precondition(needs_root)) {
    auto other = open_unix_socket({.path = ours + "/a.sock", .type = SOCK_STREAM, .mode = 0600});
    BOOST_REQUIRE(other);
    after_bind = [&] {
        std::filesystem::rename(wishes.path, app + "/old");
        std::filesystem::create_hard_link(ours + "/a.sock", wishes.path);
    };
    auto made = open_unix_socket(wishes);
    BOOST_REQUIRE(!made);
    BOOST_TEST(made.error().message() == wishes.path + " was replaced by another process");
    BOOST_TEST(facts_of(ours + "/a.sock").st_uid == 0U);
}

BOOST_FIXTURE_TEST_CASE(a_name_that_is_too_long_below_a_directory_of_others, exchange,
                        *boost::unit_test::precondition(needs_root)) {
    auto before = std::filesystem::current_path();
    std::filesystem::current_path(directory.path());
    wishes.path = "app/run/" + std::string(95, 'x');
    auto made = open_unix_socket(wishes);
    std::filesystem::current_path(before);
    BOOST_REQUIRE(!made);
    BOOST_TEST(made.error().message() ==
               wishes.path + ": the name of a unix socket below a directory of others has at most "
                             "82 bytes, this one has 95");
}

BOOST_AUTO_TEST_CASE(nothing_stays_behind_after_an_error,
                     *boost::unit_test::precondition(needs_root)) {
    BOOST_TEST(in_child([&] {
                   ::chmod(directory.path().c_str(), 0777);
                   if (::setresuid(nobody, nobody, nobody) != 0) return 98;
                   wishes.user = 0; // which nobody may not give away
                   auto made = open_unix_socket(wishes);
                   return first_failure({!made, made.has_error() && made.error().number == EPERM,
                                         !exists(wishes.path)});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(a_path_that_is_too_long_says_how_long_it_may_be) {
    wishes.path = directory / std::string(107 - directory.path().size(), 'x');
    BOOST_REQUIRE(wishes.path.size() == 108U);
    auto made = open_unix_socket(wishes);
    BOOST_REQUIRE(!made);
    BOOST_TEST(made.error().message() ==
               wishes.path + ": the path of a unix socket has at most 107 bytes, this one has 108");
    wishes.path.pop_back();
    BOOST_TEST(bool(open_unix_socket(wishes)));
}

BOOST_AUTO_TEST_CASE(a_directory_that_is_missing_is_an_error) {
    wishes.path = directory / "missing/a.sock";
    BOOST_TEST(open_unix_socket(wishes).error().message() ==
               wishes.path + ": its directory: No such file or directory");
}

BOOST_AUTO_TEST_CASE(only_our_own_file_is_removed) {
    auto made = open_unix_socket(wishes);
    BOOST_REQUIRE(made);
    BOOST_REQUIRE(::unlink(wishes.path.c_str()) == 0);
    write_file(wishes.path, "somebody else's");
    BOOST_TEST(!is_in_place(made->file));
    remove_socket_file(made->file);
    BOOST_TEST(exists(wishes.path));
}

BOOST_AUTO_TEST_CASE(a_datagram_socket_is_bound_as_well) {
    wishes.type = SOCK_DGRAM;
    leave_stale();
    BOOST_TEST(bool(open_unix_socket(wishes)));
}

BOOST_AUTO_TEST_SUITE_END()
