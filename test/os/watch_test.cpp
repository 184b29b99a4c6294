// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/unix_socket.hpp"
#include "os/watch.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <filesystem>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace einhyrningsins::os;
using namespace os_test;

namespace {

struct fixture {
    scratch directory;
    std::string folder = directory / "folder";
    std::string path = folder + "/a.sock";
    unix_socket made;
    file_watch watch;

    fixture() : made(make()), watch(std::move(*file_watch::open(path))) {}

    unix_socket make() {
        ::mkdir(folder.c_str(), 0755);
        auto socket = open_unix_socket(
            {.path = path, .type = SOCK_STREAM, .backlog = 8, .mode = {}, .user = {}, .group = {}});
        BOOST_REQUIRE(socket);
        return std::move(*socket);
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(watches, fixture)

BOOST_AUTO_TEST_CASE(other_traffic_wakes_nobody) {
    write_file(folder + "/other", "text");
    ::rename((folder + "/other").c_str(), (folder + "/another").c_str());
    ::unlink((folder + "/another").c_str());
    BOOST_TEST(!is_readable(watch.fd()));
}

BOOST_AUTO_TEST_CASE(a_socket_that_vanishes_is_noticed_once) {
    ::unlink(path.c_str());
    BOOST_TEST(is_readable(watch.fd()));
    watch.drain();
    BOOST_TEST(!is_readable(watch.fd()));
    BOOST_TEST(!is_in_place(made.file));
}

BOOST_AUTO_TEST_CASE(a_socket_that_is_moved_or_replaced_is_noticed) {
    ::rename(path.c_str(), (folder + "/b.sock").c_str());
    BOOST_TEST(is_readable(watch.fd()));
}

BOOST_AUTO_TEST_CASE(a_socket_that_is_replaced_is_noticed) {
    write_file(folder + "/other", "text");
    ::rename((folder + "/other").c_str(), path.c_str());
    BOOST_TEST(is_readable(watch.fd()));
}

BOOST_AUTO_TEST_CASE(a_directory_that_is_moved_is_noticed) {
    ::rename(folder.c_str(), (directory / "elsewhere").c_str());
    BOOST_TEST(is_readable(watch.fd()));
    BOOST_TEST(!is_in_place(made.file));
}

BOOST_AUTO_TEST_CASE(what_is_not_there_cannot_be_watched) {
    BOOST_TEST(file_watch::open(folder + "/nothing").error().number == ENOENT);
}

BOOST_AUTO_TEST_SUITE_END()
