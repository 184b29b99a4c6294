// SPDX-License-Identifier: GPL-3.0-or-later
#include "output/log_channel.hpp"
#include "output/turn.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <string>

namespace einhyrningsins::output {
namespace {

namespace data = boost::unit_test::data;
using enum turn::kind;

constexpr std::size_t most_of_all = 32 * 1024 * 1024;
const auto numbers_of_files = data::make({1, 2, 32, 33, 511, 512, 513, 5000, 100'000});

/// A channel that is one of `files`, whose file keeps `kept` bytes and is being written.
log_channel busy(int files, std::size_t kept) {
    log_channel channel({.spec = *config::parse_log_spec("size:1000:1:/var/log/app/log")});
    channel.limit_pending(pending_limit(std::size_t(files)));
    channel.join(1);
    channel.begin();
    channel.finish({.pending = kept});
    channel.tend();
    channel.begin();
    return channel;
}

turn next_of(const log_channel& channel, bool is_large) {
    return next_turn({.is_large = is_large,
                      .can_be_piped = channel.can_take_piped(1),
                      .waiting = channel.waiting(),
                      .room = channel.room(),
                      .is_slow = true,
                      .is_stuck = channel.is_stuck()});
}

std::string lines(std::size_t size) {
    std::string text(size, 'x');
    for (std::size_t n = 99; n < size; n += 100)
        text[n] = '\n';
    return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(output_turns)

BOOST_AUTO_TEST_CASE(little_is_copied_and_much_is_moved) {
    turn little = next_turn({.can_be_piped = true, .room = 1 << 20});
    BOOST_TEST((little.what == read));
    BOOST_TEST(little.most == largest_read);
    turn much =
        next_turn({.is_large = true, .can_start = true, .can_be_piped = true, .room = 1 << 20});
    BOOST_TEST((much.what == move));
}

BOOST_AUTO_TEST_CASE(much_waits_for_a_job_and_little_for_a_turn) {
    turn_facts much{.is_large = true, .can_be_piped = true, .room = 1 << 20};
    BOOST_TEST((next_turn(much).what == wait));
    much.is_slow = true;
    BOOST_TEST((next_turn(much).what == read));
    turn_facts little{.waiting = largest_read - 1, .room = 1 << 20};
    BOOST_TEST((next_turn(little).what == read));
    little.waiting = largest_read;
    BOOST_TEST((next_turn(little).what == wait));
    little.is_slow = true;
    BOOST_TEST((next_turn(little).what == read));
}

BOOST_AUTO_TEST_CASE(a_full_pipe_is_waited_for) {
    turn_facts much{.is_large = true,
                    .can_start = true,
                    .can_be_piped = true,
                    .piped = largest_pipe / 2,
                    .room = 1 << 20};
    BOOST_TEST((next_turn(much).what == wait));
    much.piped -= 1;
    BOOST_TEST((next_turn(much).what == move));
    much.can_start = false; // but there is a pipe, which the next job takes
    BOOST_TEST((next_turn(much).what == move));
}

/// Otherwise nothing would ever make a job, or find out that the disk does not answer.
BOOST_DATA_TEST_CASE(what_waits_has_been_given_something, numbers_of_files* data::make({0, 1}),
                     files, keeps) {
    for (bool is_large : {false, true}) {
        log_channel channel = busy(files, keeps ? pending_limit(std::size_t(files)) : 0);
        BOOST_TEST(!channel.has_work());
        turn next = next_of(channel, is_large);
        BOOST_TEST((next.what == read));
        for (int n = 0; n < 10'000 && next.what == read; ++n) {
            BOOST_REQUIRE(next.most > 0);
            channel.take(1, lines(next.most));
            next = next_of(channel, is_large);
        }
        BOOST_TEST((next.what == wait));
        BOOST_TEST(channel.has_work());
        BOOST_TEST(channel.waiting() * std::size_t(files) <= most_of_all);
        BOOST_TEST(channel.dropped() == 0U);
        channel.set_stuck(true);
        BOOST_TEST((next_of(channel, is_large).what == read));
    }
}

BOOST_DATA_TEST_CASE(the_newest_is_kept_within_the_bound_of_all, numbers_of_files, files) {
    log_channel channel = busy(files, 0);
    channel.set_stuck(true);
    std::size_t given = 0;
    for (int n = 0; n < 100; ++n) {
        turn next = next_of(channel, n % 2 == 0);
        BOOST_REQUIRE((next.what == read && next.most > 0));
        channel.take(1, lines(next.most));
        given += next.most;
        BOOST_TEST(channel.waiting() * std::size_t(files) <= most_of_all);
    }
    std::size_t limit = pending_limit(std::size_t(files));
    BOOST_TEST(channel.waiting() + channel.dropped() == given);
    if (limit > 1000) BOOST_TEST(channel.waiting() >= limit * 3 / 4);
}

BOOST_AUTO_TEST_CASE(what_was_left_behind_leaves_most_descriptors_to_others) {
    for (std::size_t groups : {1, 10, 100, 1000})
        for (std::size_t descriptors : {64, 1024, 4096, 1024 * 1024}) {
            std::size_t limit = orphan_limit(groups, descriptors);
            BOOST_TEST((limit >= 2 && limit <= 256));
            if (limit > 2) BOOST_TEST(limit * groups <= descriptors / 4);
        }
    BOOST_TEST(orphan_limit(0, 1024) == 256U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::output
