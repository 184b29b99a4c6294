// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/inotify.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

using namespace einhyrningsins::os;
using namespace os_test;

namespace {

struct fixture {
    scratch directory;
    std::string file = directory / "file";
    inotify watcher = std::move(*inotify::open());

    fixture() { write_file(file, "text"); }

    /// Whether the news since the last call have `what` about `watch`.
    bool hears(int watch, change what, const std::string& name = "") {
        bool found = false;
        for (auto all = watcher.read(); !all.empty(); all = watcher.read())
            for (const inotify::news& one : all)
                found = found || (one.watch == watch && (one.what & what) && one.name == name);
        return found;
    }
};

constexpr auto of_file = change::content | change::closed | change::attributes | change::moved;

} // namespace

BOOST_FIXTURE_TEST_SUITE(inotify_instances, fixture)

BOOST_AUTO_TEST_CASE(a_file_that_is_written_to) {
    auto watch = watcher.add(file, of_file);
    BOOST_REQUIRE(watch);
    BOOST_TEST(!is_readable(watcher.fd()));
    write_file(file, "more");
    BOOST_TEST(is_readable(watcher.fd()));
    BOOST_TEST(hears(*watch, change::closed));
    BOOST_TEST(!is_readable(watcher.fd()));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_replaced_loses_its_name) {
    auto watch = watcher.add(file, of_file);
    write_file(directory / "new", "more");
    std::filesystem::rename(directory / "new", file);
    BOOST_TEST(hears(*watch, change::attributes));
    BOOST_TEST(!hears(*watch, change::attributes));
}

BOOST_AUTO_TEST_CASE(a_link_that_is_pointed_elsewhere) {
    std::filesystem::create_symlink(file, directory / "link");
    auto watch = watcher.add(directory / "link", change::attributes | change::moved);
    std::filesystem::create_symlink("/", directory / "new");
    std::filesystem::rename(directory / "new", directory / "link");
    BOOST_TEST(hears(*watch, change::attributes));
}

BOOST_AUTO_TEST_CASE(a_directory_tells_of_names_only_if_it_is_asked) {
    std::filesystem::create_directory(directory / "quiet");
    std::filesystem::create_directory(directory / "open");
    auto quiet = watcher.add(directory / "quiet", change::moved);
    auto open = watcher.add(directory / "open", change::arrivals | change::departures);
    write_file(directory / "quiet/a", "");
    BOOST_TEST(!is_readable(watcher.fd()));
    write_file(directory / "open/a", "");
    BOOST_TEST(hears(*open, change::arrivals, "a"));
    std::filesystem::remove(directory / "open/a");
    BOOST_TEST(hears(*open, change::departures, "a"));
    std::filesystem::rename(directory / "quiet", directory / "elsewhere");
    BOOST_TEST(hears(*quiet, change::moved));
}

BOOST_AUTO_TEST_CASE(one_thing_has_one_watch_which_knows_all_wishes) {
    auto first = watcher.add(file, change::closed);
    auto second = watcher.add(file, change::attributes);
    BOOST_TEST(*first == *second);
    ::chmod(file.c_str(), 0600);
    BOOST_TEST(hears(*first, change::attributes));
    write_file(file, "more");
    BOOST_TEST(hears(*first, change::closed));
}

BOOST_AUTO_TEST_CASE(what_is_gone_is_lost) {
    auto watch = watcher.add(file, of_file);
    std::filesystem::remove(file);
    BOOST_TEST(hears(*watch, change::lost));
}

BOOST_AUTO_TEST_CASE(what_is_not_watched_any_more_is_silent) {
    auto watch = watcher.add(file, of_file);
    watcher.remove(*watch);
    watcher.read();
    write_file(file, "more");
    BOOST_TEST(!is_readable(watcher.fd()));
}

BOOST_AUTO_TEST_CASE(a_flood_that_does_not_fit_is_told_as_such) {
    auto watch = watcher.add(directory.path(), change::arrivals | change::departures);
    BOOST_REQUIRE(watch);
    std::size_t limit =
        static_cast<std::size_t>(std::stoul(contents("/proc/sys/fs/inotify/max_queued_events")));
    if (limit > 100'000) return;
    for (std::size_t n = 0; n <= limit / 2; ++n) {
        write_file(directory / "x", "");
        std::remove((directory / "x").c_str());
    }
    bool lost = false;
    for (auto all = watcher.read(); !all.empty(); all = watcher.read())
        lost = lost || std::ranges::find(all, -1, &inotify::news::watch) != all.end();
    BOOST_TEST(lost);
}

BOOST_AUTO_TEST_CASE(what_is_not_there_cannot_be_watched) {
    auto watch = watcher.add(directory / "nothing", change::moved);
    BOOST_REQUIRE(!watch);
    BOOST_TEST(watch.error().number == ENOENT);
}

BOOST_AUTO_TEST_SUITE_END()
