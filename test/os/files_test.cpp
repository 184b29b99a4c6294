// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/files.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <filesystem>
#include <optional>
#include <thread>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace einhyrningsins::os;
using namespace os_test;

namespace {

struct fixture {
    scratch directory;
    std::string path = directory / "file";

    mode_t mode() const {
        struct stat facts {};
        BOOST_REQUIRE(::lstat(path.c_str(), &facts) == 0);
        return facts.st_mode & 07777;
    }
    std::size_t entries() const {
        auto all = std::filesystem::directory_iterator(directory.path());
        return static_cast<std::size_t>(std::distance(begin(all), end(all)));
    }
};

std::string pid_line() { return std::to_string(::getpid()) + "\n"; }

} // namespace

BOOST_FIXTURE_TEST_SUITE(lock_files, fixture)

BOOST_AUTO_TEST_CASE(a_lock_is_held_and_removed) {
    {
        auto lock = lock_file::acquire(path);
        BOOST_REQUIRE_MESSAGE(lock, lock.error().message());
        BOOST_TEST(mode() == 0600U);
        auto second = lock_file::acquire(path);
        BOOST_REQUIRE(!second);
        BOOST_TEST(second.error().message() ==
                   path + ": another master, process " + std::to_string(::getpid()) + ", holds it");
        lock_file moved = std::move(*lock);
        BOOST_TEST(!lock_file::acquire(path));
    }
    BOOST_TEST(!exists(path));
    BOOST_TEST(bool(lock_file::acquire(path)));
}

BOOST_AUTO_TEST_CASE(a_file_that_nobody_locks_is_taken_over) {
    write_file(path, "");
    BOOST_TEST(bool(lock_file::acquire(path)));
}

BOOST_AUTO_TEST_CASE(who_holds_a_lock_is_written_where_there_is_nothing_else) {
    write_file(path, "123456789\n", 0600);
    auto lock = lock_file::acquire(path);
    BOOST_REQUIRE(lock);
    BOOST_TEST(contents(path) == pid_line());
    std::string other = directory / "other";
    write_file(other, "precious\n", 0600);
    auto wrong = lock_file::acquire(other);
    BOOST_REQUIRE(wrong);
    BOOST_TEST(contents(other) == "precious\n");
    BOOST_TEST(lock_file::acquire(other).error().message() == other + ": another master holds it");
}

BOOST_AUTO_TEST_CASE(a_lock_that_is_let_go_meanwhile_is_had) {
    auto lock = std::make_optional(std::move(*lock_file::acquire(path)));
    std::thread holder([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        lock.reset();
    });
    BOOST_TEST(bool(lock_file::acquire(path, std::chrono::seconds(20))));
    holder.join();
}

/// As on a file system that has no locks.
BOOST_AUTO_TEST_CASE(a_lock_that_is_refused_leaves_nothing_behind) {
    for (int error : {ENOLCK, EOPNOTSUPP}) {
        int failed = in_child([&] {
            std::string fresh = path + ".fresh", kept = path + ".kept";
            write_file(kept, "");
            refuse({SYS_flock}, error);
            auto refused = lock_file::acquire(fresh), other = lock_file::acquire(kept);
            return first_failure({!refused && refused.error().number == error,
                                  !refused && refused.error().what == fresh + " cannot be locked",
                                  !exists(fresh), !other, exists(kept)});
        });
        BOOST_TEST(failed == 0);
    }
}

BOOST_AUTO_TEST_CASE(a_lock_that_was_replaced_is_not_removed) {
    {
        auto lock = lock_file::acquire(path);
        BOOST_REQUIRE(lock);
        ::unlink(path.c_str());
        write_file(path, "somebody else's");
    }
    BOOST_TEST(contents(path) == "somebody else's");
}

BOOST_AUTO_TEST_CASE(traps_are_left_alone) {
    std::string target = directory / "target";
    BOOST_REQUIRE(::symlink(target.c_str(), path.c_str()) == 0);
    BOOST_TEST(lock_file::acquire(path).error().message() ==
               path + " is a symbolic link; it is left alone");
    BOOST_TEST(!exists(target));

    ::unlink(path.c_str());
    write_file(target, "");
    BOOST_REQUIRE(::link(target.c_str(), path.c_str()) == 0);
    BOOST_TEST(!lock_file::acquire(path));

    ::unlink(path.c_str());
    BOOST_REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    BOOST_TEST(!lock_file::acquire(path));

    ::unlink(path.c_str());
    BOOST_REQUIRE(::mkdir(path.c_str(), 0700) == 0);
    BOOST_TEST(lock_file::acquire(path).error().number == EISDIR);
}

BOOST_AUTO_TEST_CASE(another_users_file_is_left_alone,
                     *boost::unit_test::precondition(needs_root)) {
    write_file(path, "", 0666);
    BOOST_REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
    std::string whose = path + " belongs to user nobody; it is left alone";
    BOOST_TEST(lock_file::acquire(path).error().message() == whose);
    BOOST_TEST(pid_file::write(path).error().message() == whose);
    BOOST_TEST(exists(path));
    // Where all may write, root may not even open it (fs.protected_regular).
    BOOST_REQUIRE(::chmod(directory.path().c_str(), 01777) == 0);
    BOOST_TEST(lock_file::acquire(path).error().message() == whose);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(pid_files, fixture)

BOOST_AUTO_TEST_CASE(a_pid_is_written_and_removed) {
    {
        auto file = pid_file::write(path);
        BOOST_REQUIRE_MESSAGE(file, file.error().message());
        BOOST_TEST(contents(path) == pid_line());
        BOOST_TEST(mode() == 0644U);
        BOOST_TEST(entries() == 1U);
    }
    BOOST_TEST(entries() == 0U);
}

BOOST_AUTO_TEST_CASE(an_old_one_is_replaced) {
    write_file(path, "12345678\n");
    auto file = pid_file::write(path);
    BOOST_REQUIRE(file);
    BOOST_TEST(contents(path) == pid_line());
}

BOOST_AUTO_TEST_CASE(one_that_a_later_master_wrote_is_not_removed) {
    auto first = std::optional(std::move(*pid_file::write(path)));
    auto second = pid_file::write(path);
    BOOST_REQUIRE(second);
    first.reset();
    BOOST_TEST(contents(path) == pid_line());
}

BOOST_AUTO_TEST_CASE(a_link_is_neither_followed_nor_replaced) {
    std::string target = directory / "target";
    write_file(target, "precious");
    BOOST_REQUIRE(::symlink(target.c_str(), path.c_str()) == 0);
    auto file = pid_file::write(path);
    BOOST_REQUIRE(!file);
    BOOST_TEST(file.error().message() == path + " is a symbolic link; it is left alone");
    BOOST_TEST(contents(target) == "precious");
    BOOST_TEST(entries() == 2U);
}

BOOST_AUTO_TEST_CASE(a_write_that_fails_leaves_nothing_behind) {
    // A limit on the size of files stands for a full disk, which needs privileges.
    BOOST_TEST(in_child([&] {
                   sigset_t blocked;
                   sigfillset(&blocked);
                   sigprocmask(SIG_BLOCK, &blocked, nullptr); // EFBIG instead of SIGXFSZ
                   rlimit nothing{0, 0};
                   ::setrlimit(RLIMIT_FSIZE, &nothing);
                   auto file = pid_file::write(path);
                   return first_failure({!file, file.has_error() && file.error().number == EFBIG,
                                         file.has_error() && file.error().what == path + ": write",
                                         entries() == 0});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(a_missing_directory_is_an_error) {
    std::string lost = directory / "missing/pid";
    BOOST_TEST(pid_file::write(lost).error().message() ==
               lost + ": its directory: No such file or directory");
    BOOST_TEST(lock_file::acquire(lost).error().message() ==
               lost + ": its directory: No such file or directory");
}

BOOST_AUTO_TEST_SUITE_END()
