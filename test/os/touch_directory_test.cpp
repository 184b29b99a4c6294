// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/touch_directory.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <functional>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

using namespace einhyrningsins::os;
using namespace os_test;
namespace fs = std::filesystem;

namespace {

struct fixture {
    scratch parent;
    std::optional<touch_directory> files = std::move(*touch_directory::make(parent.path()));

    static struct stat facts_of(const std::string& path) {
        struct stat facts {};
        BOOST_REQUIRE(::lstat(path.c_str(), &facts) == 0);
        return facts;
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(touch_directories, fixture)

BOOST_AUTO_TEST_CASE(it_can_be_passed_and_not_listed) {
    BOOST_TEST((facts_of(files->path()).st_mode & 07777) == 0711);
    auto other = touch_directory::make(parent.path());
    BOOST_REQUIRE(other);
    BOOST_TEST(other->path() != files->path());
}

BOOST_AUTO_TEST_CASE(a_file_belongs_to_its_worker) {
    uid_t who = is_root() ? 1234 : ::geteuid();
    BOOST_TEST(files->prepare(3, who).has_value());
    auto facts = facts_of(files->path() + "/3");
    BOOST_TEST((facts.st_mode & 07777) == 0600);
    BOOST_TEST(facts.st_uid == who);
    BOOST_TEST(facts.st_size == 0);
}

BOOST_AUTO_TEST_CASE(what_was_left_of_another_worker_is_replaced) {
    write_file(files->path() + "/0", "old");
    fs::create_symlink("/etc/passwd", files->path() + "/1");
    BOOST_TEST(files->prepare(0, ::geteuid()).has_value());
    BOOST_TEST(files->prepare(1, ::geteuid()).has_value());
    BOOST_TEST(facts_of(files->path() + "/0").st_size == 0);
    BOOST_TEST(S_ISREG(facts_of(files->path() + "/1").st_mode));
}

BOOST_AUTO_TEST_CASE(a_directory_that_vanished_is_made_again) {
    fs::remove_all(files->path());
    BOOST_TEST(files->prepare(0, ::geteuid()).has_value());
    BOOST_TEST((facts_of(files->path()).st_mode & 07777) == 0711);
    BOOST_TEST(exists(files->path() + "/0"));
}

BOOST_AUTO_TEST_CASE(somebody_elses_directory_is_not_used) {
    std::string elsewhere = parent / "elsewhere";
    fs::create_directory(elsewhere);
    fs::remove_all(files->path());
    fs::create_directory_symlink(elsewhere, files->path());
    BOOST_TEST(!files->prepare(0, ::geteuid()));
    BOOST_TEST(!exists(elsewhere + "/0"));
    std::string path = files->path();
    files.reset();
    BOOST_TEST(exists(path)); // it is not ours to remove
}

BOOST_AUTO_TEST_CASE(it_goes_with_its_files) {
    BOOST_TEST(files->prepare(0, ::geteuid()).has_value());
    std::string path = files->path();
    touch_directory moved = std::move(*files);
    files.reset();
    BOOST_TEST(exists(path + "/0"));
    { touch_directory last = std::move(moved); }
    BOOST_TEST(!exists(path));
}

BOOST_AUTO_TEST_CASE(whatever_is_done_to_a_file_is_seen) {
    std::string path = files->path() + "/0";
    BOOST_TEST(!files->last_touch(0));
    BOOST_TEST(files->prepare(0, ::geteuid()).has_value());
    auto before = *files->last_touch(0);
    BOOST_TEST((files->last_touch(0) == before));
    auto long_ago = std::filesystem::file_time_type::clock::now() - std::chrono::hours(1);
    std::vector<std::function<void()>> deeds{
        [&] { write_file(path, "text"); },
        [&] { fs::last_write_time(path, long_ago); },
        [&] { fs::permissions(path, fs::perms::owner_read); },
        [&] {
            write_file(path + "x", "");
            fs::rename(path + "x", path);
        },
    };
    for (const auto& deed : deeds) {
        ::usleep(20'000); // the clock of the file system has ticked
        deed();
        auto after = files->last_touch(0);
        BOOST_REQUIRE(after);
        BOOST_TEST((after->at > before.at));
        BOOST_TEST((after->at <= std::chrono::system_clock::now()));
        before = *after;
    }
    fs::remove(path);
    BOOST_TEST(!files->last_touch(0));
    BOOST_TEST(files->is_there());
}

BOOST_AUTO_TEST_CASE(a_link_in_its_place_is_neither_written_to_nor_emptied) {
    fs::path path = files->path(), other = parent / "other";
    BOOST_TEST(files->prepare(0, ::geteuid()).has_value());
    fs::rename(path, other);
    fs::create_directory_symlink(other, path);
    BOOST_TEST(!files->is_there());
    BOOST_TEST(!files->prepare(1, ::geteuid()));
    BOOST_TEST(!fs::exists(other / "1"));
    files.reset();
    BOOST_TEST(fs::exists(other / "0"));
    BOOST_TEST(fs::is_symlink(path));
}

BOOST_AUTO_TEST_SUITE_END()
