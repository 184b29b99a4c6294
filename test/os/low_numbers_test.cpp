// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/low_numbers.hpp"

#include "os/descriptors.hpp"
#include "os/support.hpp"

#include <boost/test/unit_test.hpp>

#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>

namespace einhyrningsins::os {

namespace {

using os_test::in_child;

unique_fd null_at(int number) {
    return unique_fd(::dup2(unique_fd(::open("/dev/null", O_RDONLY)).get(), number));
}

bool is_open(int number) { return ::fcntl(number, F_GETFD) >= 0; }

} // namespace

BOOST_AUTO_TEST_SUITE(low_numbers)

BOOST_AUTO_TEST_CASE(one_that_stays_is_moved_away) {
    unique_fd one = null_at(20);
    leave_low_numbers(one);
    BOOST_TEST(one.get() >= 64);
    BOOST_TEST(!is_open(20));
    BOOST_TEST((::fcntl(one.get(), F_GETFD) & FD_CLOEXEC) != 0);
    int number = one.get();
    leave_low_numbers(one);
    BOOST_TEST(one.get() == number);
}

BOOST_AUTO_TEST_CASE(where_there_is_no_room_it_stays) {
    BOOST_TEST(in_child([] {
                   unique_fd one = null_at(20);
                   rlimit few{64, 64};
                   ::setrlimit(RLIMIT_NOFILE, &few);
                   leave_low_numbers(one);
                   return one.get() == 20 ? 0 : 1;
               }) == 0);
}

BOOST_AUTO_TEST_CASE(free_descriptors_are_counted_down_to_none) {
    for (rlim_t limit : {20, 64, 70, 100})
        BOOST_TEST(in_child([&] {
                       close_descriptors(3, ~0U);
                       rlimit few{limit, limit};
                       ::setrlimit(RLIMIT_NOFILE, &few);
                       std::size_t left = limit - 3;
                       for (std::vector<unique_fd> open; free_descriptors() == left; --left) {
                           unique_fd next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
                           if (!next) return left == 0 ? 0 : 1;
                           // Some of them as those that last.
                           if (left % 3 == 0) leave_low_numbers(next);
                           open.push_back(std::move(next));
                       }
                       return 2;
                   }) == 0,
                   limit);
}

BOOST_AUTO_TEST_CASE(copies_last_as_long_as_the_start) {
    unique_fd high = null_at(300), low = null_at(40), lowest = null_at(30);
    int copy = -1;
    {
        low_copies copies(35);
        BOOST_TEST(copies.highest() == 2);
        copy = *copies.of(high.get());
        BOOST_TEST(copy >= 35);
        BOOST_TEST(copy < 300);
        BOOST_TEST(*copies.of(40) == 40);
        BOOST_TEST(*copies.of(30) >= 35, "what is below the bound is copied as well");
        BOOST_TEST(*copies.of(-1) == -1);
        BOOST_TEST(copies.highest() >= 40);
        BOOST_TEST(copies.highest() < 300);
        BOOST_TEST(is_open(copy));
    }
    BOOST_TEST(!is_open(copy));
    BOOST_TEST(is_open(300));
}

BOOST_AUTO_TEST_CASE(a_high_number_will_do_where_there_is_no_room) {
    BOOST_TEST(in_child([] {
                   unique_fd high = null_at(300), low = null_at(30);
                   rlimit few{10, 10};
                   ::setrlimit(RLIMIT_NOFILE, &few);
                   low_copies copies(35);
                   auto same = copies.of(300), none = copies.of(30);
                   return same && *same == 300 && !none && none.error().number == EINVAL ? 0 : 1;
               }) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::os
