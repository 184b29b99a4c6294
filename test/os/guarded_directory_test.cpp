// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/guarded_directory.hpp"
#include "os/output_file.hpp"
#include "os/pipe.hpp"
#include "output/log_file.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <functional>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

using namespace einhyrningsins;
using namespace os_test;
using namespace std::chrono_literals;

namespace {

constexpr uid_t app = 65534; // another user

struct fixture {
    scratch directory;

    std::string make(const std::string& name, mode_t mode = 0755, uid_t owner = ::geteuid()) const {
        std::string path = directory / name;
        BOOST_REQUIRE(::mkdir(path.c_str(), mode) == 0);
        BOOST_REQUIRE(::chmod(path.c_str(), mode) == 0);
        if (owner != ::geteuid())
            BOOST_REQUIRE(::chown(path.c_str(), owner, static_cast<gid_t>(owner)) == 0);
        return path;
    }
    void link(const std::string& to, const std::string& name) const {
        BOOST_REQUIRE(::symlink(to.c_str(), (directory / name).c_str()) == 0);
    }
    /// What is wrong with the directory of a file; empty: nothing.
    std::string refusal(const std::string& name) const {
        auto found = os::guarded_directory::of(directory / name);
        return found ? "" : found.error().message();
    }
    bool is_foreign(const std::string& name) const {
        auto found = os::guarded_directory::of(directory / name);
        BOOST_REQUIRE_MESSAGE(found, found.error().message());
        return found->is_foreign();
    }
    std::string not_followed(const std::string& name, const std::string& link,
                             const std::string& who) const {
        return (directory / name) + ": '" + link + "' in it is a symbolic link that " + who +
               " could have created; it is not followed: use the path that it leads to";
    }
    std::size_t entries(const std::string& path) const {
        std::filesystem::directory_iterator all(path);
        return static_cast<std::size_t>(std::distance(begin(all), end(all)));
    }
};

/// Another user's process that calls `deed` over and over until this ends.
class opponent {
  public:
    explicit opponent(const std::function<void()>& deed) : pid_(::fork()) {
        BOOST_REQUIRE(pid_ >= 0);
        if (pid_ > 0) return;
        ::alarm(60);
        if (::setgid(app) != 0 || ::setuid(app) != 0) ::_exit(1);
        for (;;)
            deed();
    }
    ~opponent() {
        ::kill(pid_, SIGKILL);
        exit_code_of(pid_);
    }

  private:
    pid_t pid_;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(guarded_directories, fixture)

BOOST_AUTO_TEST_CASE(our_own_links_are_followed) {
    make("data");
    make("data/app");
    link("data", "logs");
    link(directory / "data/app", "absolute");
    link("absolute/../app", "long");
    for (const char* name : {"data/app/f", "logs/app/f", "absolute/f", "long/./f", "logs//app/f"}) {
        auto found = os::guarded_directory::of(directory / name);
        BOOST_REQUIRE_MESSAGE(found, found.error().message());
        BOOST_TEST(!found->is_foreign());
        BOOST_TEST(found->base() == "f");
        write_file(directory / "data/app/f", "");
        struct stat file {};
        BOOST_REQUIRE(::stat((directory / "data/app/f").c_str(), &file) == 0);
        BOOST_TEST(found->holds("f", file));
        BOOST_TEST(found->remove("f").has_value());
        BOOST_TEST(!found->has("f"));
    }
}

BOOST_AUTO_TEST_CASE(what_is_missing_or_no_directory_is_told) {
    std::string its = ": its directory: ";
    BOOST_TEST(refusal("none/f") == (directory / "none/f") + its + "No such file or directory");
    write_file(directory / "file", "");
    BOOST_TEST(refusal("file/f") == (directory / "file/f") + its + "Not a directory");
    link("endless", "endless");
    BOOST_TEST(refusal("endless/f") ==
               (directory / "endless/f") + its + "Too many levels of symbolic links");
}

BOOST_AUTO_TEST_CASE(links_where_others_may_write_are_not_followed) {
    make("target");
    make("wide", 0777);
    link("../target", "wide/sub");
    BOOST_TEST(refusal("wide/sub/f") == not_followed("wide/sub/f", "sub", "everybody"));
    make("sticky", 01777);
    link("../target", "sticky/sub");
    BOOST_TEST(refusal("sticky/sub/f") == not_followed("sticky/sub/f", "sub", "everybody"));
    BOOST_TEST(refusal("target/f") == "");
}

BOOST_AUTO_TEST_CASE(links_of_another_user_or_group_are_not_followed,
                     *boost::unit_test::precondition(needs_root)) {
    make("target");
    make("app", 0755, app);
    link("../target", "app/sub");
    BOOST_TEST(refusal("app/sub/f") == not_followed("app/sub/f", "sub", "uid 65534"));
    make("shared", 0775);
    BOOST_REQUIRE(::chown((directory / "shared").c_str(), 0, app) == 0);
    link("../target", "shared/sub");
    BOOST_TEST(refusal("shared/sub/f") == not_followed("shared/sub/f", "sub", "group 65534"));
    BOOST_REQUIRE(::chown((directory / "shared").c_str(), 0, 0) == 0);
    BOOST_TEST(refusal("shared/sub/f") == "");
}

BOOST_AUTO_TEST_CASE(what_lies_in_a_foreign_directory_is_foreign,
                     *boost::unit_test::precondition(needs_root)) {
    make("app", 0755, app);
    make("app/sub");
    make("app/sub/below");
    BOOST_TEST(is_foreign("app/f"));
    BOOST_TEST(is_foreign("app/sub/f"));
    BOOST_TEST(is_foreign("app/sub/below/f"));
    link("below", "app/sub/link");
    BOOST_TEST(refusal("app/sub/link/f") ==
               not_followed("app/sub/link/f", "link", "the owner of a directory above it"));
}

BOOST_AUTO_TEST_CASE(the_sticky_bit_protects_our_directories,
                     *boost::unit_test::precondition(needs_root)) {
    make("tmp", 01777);
    make("tmp/ours");
    BOOST_TEST(is_foreign("tmp/f"));
    BOOST_TEST(!is_foreign("tmp/ours/f"));
    BOOST_REQUIRE(::chmod((directory / "tmp").c_str(), 0777) == 0);
    BOOST_TEST(is_foreign("tmp/ours/f"));
    BOOST_REQUIRE(::chmod((directory / "tmp").c_str(), 01777) == 0);
    BOOST_REQUIRE(::chown((directory / "tmp").c_str(), app, app) == 0); // whom it does not stop
    BOOST_TEST(is_foreign("tmp/ours/f"));
}

BOOST_AUTO_TEST_CASE(files_of_third_users_stay, *boost::unit_test::precondition(needs_root)) {
    constexpr uid_t third = 65533;
    std::string folder = make("app", 0755, app);
    write_file(folder + "/log", "ours");
    write_file(folder + "/theirs", "the owner's");
    write_file(folder + "/third", "precious");
    BOOST_REQUIRE(::chown((folder + "/theirs").c_str(), app, app) == 0);
    BOOST_REQUIRE(::chown((folder + "/third").c_str(), third, third) == 0);
    auto found = os::guarded_directory::of(folder + "/log");
    BOOST_REQUIRE(found);
    auto refused = found->rename("log", "third");
    BOOST_REQUIRE(!refused);
    BOOST_TEST(refused.error().message() ==
               folder + "/third belongs to uid 65533, and uid 65534 can create files in its "
                        "directory; it is left alone: remove it, or give it to uid 0");
    BOOST_TEST(!found->remove("third"));
    BOOST_TEST(contents(folder + "/third") == "precious");
    BOOST_TEST(found->rename("log", "theirs").has_value());
    BOOST_TEST(contents(folder + "/theirs") == "ours");
}

BOOST_AUTO_TEST_CASE(an_exchange_of_directories_leads_no_log_astray,
                     *boost::unit_test::precondition(needs_root)) {
    std::string folder = make("app", 0755, app), target = make("target");
    std::string sub = make("app/sub", 0755, app), path = sub + "/log";
    write_file(target + "/log", "precious");
    write_file(target + "/log.1", "precious");
    link(target, "app/link");
    std::string aside = folder + "/link";
    BOOST_REQUIRE(::chmod(directory.path().c_str(), 0755) == 0);
    opponent exchanging(
        [&] { ::renameat2(AT_FDCWD, sub.c_str(), AT_FDCWD, aside.c_str(), RENAME_EXCHANGE); });
    auto pipe = std::move(*os::make_pipe());
    std::size_t refusals = 0, rotations = 0;
    auto end = std::chrono::steady_clock::now() + 20s;
    while ((refusals < 200 || rotations < 200) && std::chrono::steady_clock::now() < end) {
        output::moment now = output::moment::now();
        output::log_file log({.spec = *config::parse_log_spec("size:10:1:" + path)}, now);
        log.attach(1);
        for (int line = 0; line < 3; ++line) {
            BOOST_REQUIRE(::write(pipe.write.get(), "a line\n", 7) == 7);
            log.take(1, pipe.read.get(), 7, now);
        }
        rotations += log.count().rotations;
        for (const output::note& note : log.take_notes())
            refusals += note.text.find("symbolic link") != std::string::npos;
    }
    BOOST_TEST(refusals >= 200U);
    BOOST_TEST(rotations >= 200U);
    BOOST_TEST(contents(target + "/log") == "precious");
    BOOST_TEST(contents(target + "/log.1") == "precious");
    BOOST_TEST(entries(target) == 2U);
}

BOOST_AUTO_TEST_CASE(a_second_name_of_a_file_of_ours_is_no_log,
                     *boost::unit_test::precondition(needs_root)) {
    std::string folder = make("app", 0755, app), path = folder + "/log";
    write_file(directory / "shadow", "precious");
    BOOST_REQUIRE(::link((directory / "shadow").c_str(), path.c_str()) == 0);
    auto opened = os::output_file::open(path);
    BOOST_REQUIRE(!opened);
    BOOST_TEST(opened.error().message() ==
               path + " has several hard links, and uid 65534 can create files in its directory; "
                      "it is left alone: remove it");
}

/// Gives a directory an access control list by which `app` may write to it, see acl(5).
static bool let_write(const std::string& path) {
    struct entry {
        std::uint16_t tag, permissions;
        std::uint32_t id;
    };
    constexpr std::uint32_t nobody = 0xffffffff;
    struct {
        std::uint32_t version = 2;
        entry entries[5] = {
            {1, 7, nobody}, {2, 7, app}, {4, 5, nobody}, {16, 7, nobody}, {32, 5, nobody}};
    } list;
    return ::setxattr(path.c_str(), "system.posix_acl_access", &list, sizeof list, 0) == 0;
}

BOOST_AUTO_TEST_CASE(a_directory_is_foreign_if_its_access_control_list_may_name_others) {
    std::string folder = make("shared", 0755);
    BOOST_TEST(!is_foreign("shared/log"));
    if (!let_write(folder)) {
        BOOST_TEST_MESSAGE("skipped: the file system has no access control lists");
        return;
    }
    BOOST_TEST(is_foreign("shared/log"));
    make("target");
    link(directory / "target", "shared/link");
    BOOST_TEST(
        refusal("shared/link/log") ==
        not_followed("shared/link/log", "link", "somebody whom its access control list names"));
    BOOST_REQUIRE(::chmod(folder.c_str(), 0755) == 0); // that is the mask
    BOOST_TEST(!is_foreign("shared/log"));
}

BOOST_AUTO_TEST_SUITE_END()
