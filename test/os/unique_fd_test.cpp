// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <unistd.h>

using namespace einhyrningsins::os;

namespace {

int open_null() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

} // namespace

BOOST_AUTO_TEST_SUITE(unique_fds)

BOOST_AUTO_TEST_CASE(the_owner_closes) {
    int first = open_null(), second = open_null(), third = open_null();
    {
        unique_fd one(first);
        unique_fd other = std::move(one);
        BOOST_TEST(!one);
        BOOST_TEST(other.get() == first);
        other = unique_fd(second);
        BOOST_TEST(!is_open(first));
        other.reset(third);
        BOOST_TEST(!is_open(second));
        other.reset(third);
        BOOST_TEST(is_open(third));
    }
    BOOST_TEST(!is_open(third));
}

BOOST_AUTO_TEST_CASE(what_is_released_stays_open) {
    int fd = open_null();
    BOOST_TEST(unique_fd(fd).release() == fd);
    BOOST_TEST(is_open(fd));
    ::close(fd);
    BOOST_TEST(!unique_fd());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(os_errors)

BOOST_AUTO_TEST_CASE(a_message_has_subject_and_reason) {
    BOOST_TEST((os_error{"bind", EADDRINUSE}.message()) == "bind: Address already in use");
    BOOST_TEST((os_error{"it says it all", 0}.message()) == "it says it all");
    BOOST_TEST((os_error{"odd", 99999}.message()) == "odd: error 99999");
}

BOOST_AUTO_TEST_CASE(scarcity_is_what_may_pass) {
    for (int number : {EAGAIN, ENOMEM, EMFILE, ENFILE, ENOSPC, EDQUOT, ENOBUFS})
        BOOST_TEST(is_scarcity(number));
    for (int number : {0, ENOENT, EACCES, EPERM})
        BOOST_TEST(!is_scarcity(number));
}

BOOST_AUTO_TEST_SUITE_END()
