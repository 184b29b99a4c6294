// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/descriptors.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <functional>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace einhyrningsins::os;
using namespace os_test;

namespace {

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

/// Closes 11 to 20, in a process that has 3 to 29 and 300 open, after `prepare`.
int close_some(const std::function<bool()>& prepare) {
    return in_child([&] {
        for (int fd = 3; fd < 30; ++fd)
            ::dup2(0, fd);
        ::dup2(0, 300);
        if (!prepare()) return 98;
        close_descriptors(11, 20);
        for (int fd = 3; fd < 30; ++fd)
            if (is_open(fd) == (fd >= 11 && fd <= 20)) return fd;
        close_descriptors(21, ~0U);
        for (int fd = 3; fd <= 300; ++fd)
            if (is_open(fd) != (fd < 11)) return 50 + fd % 100;
        return 0;
    });
}

bool hide_proc() {
    return ::unshare(CLONE_NEWNS) == 0 &&
           ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("none", "/proc", "tmpfs", 0, nullptr) == 0;
}

bool refuse_close_range(int error) {
    refuse({SYS_close_range}, error);
    return true;
}

} // namespace

BOOST_AUTO_TEST_SUITE(descriptors)

BOOST_AUTO_TEST_CASE(a_range_is_closed) {
    BOOST_TEST(close_some([] { return true; }) == 0);
}

BOOST_AUTO_TEST_CASE(a_range_is_closed_without_close_range) {
    for (int error : {ENOSYS, EPERM})
        BOOST_TEST(close_some([&] { return refuse_close_range(error); }) == 0);
}

BOOST_AUTO_TEST_CASE(a_range_is_closed_without_proc_as_well,
                     *boost::unit_test::precondition(needs_root)) {
    BOOST_TEST(close_some([] { return hide_proc() && refuse_close_range(ENOSYS); }) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
