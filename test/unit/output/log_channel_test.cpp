// SPDX-License-Identifier: GPL-3.0-or-later
#include "output/log_channel.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <random>
#include <string>

namespace einhyrningsins::output {
namespace {

using namespace std::chrono_literals;

constexpr core::time_point noon{std::chrono::hours(12)};

log_channel closed() {
    return log_channel({.spec = *config::parse_log_spec("size:1000:1:/var/log/app/log")});
}

log_channel opened() {
    log_channel channel = closed();
    channel.join(1);
    channel.join(2);
    channel.begin();
    channel.finish({});
    return channel;
}

/// "1:text" for each piece; " lost N" before it, " ends" after it.
std::string shown(const log_job& job) {
    std::string all;
    for (const auto& piece : job.pieces) {
        if (piece.lost > 0) all += "lost " + std::to_string(piece.lost) + " ";
        all += std::to_string(piece.from) + ":" + piece.text;
        if (piece.piped > 0) all += "+" + std::to_string(piece.piped);
        if (piece.insists) all += " insists";
        all += piece.ends ? " ends|" : "|";
    }
    return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(output_log_channel)

BOOST_AUTO_TEST_CASE(the_first_job_opens_the_file) {
    log_channel channel = closed();
    BOOST_TEST(channel.has_work());
    channel.join(7);
    log_job job = channel.begin();
    BOOST_TEST(job.joined.contains(7));
    BOOST_TEST(channel.is_running());
    BOOST_TEST(!channel.has_work());
    channel.finish({});
    BOOST_TEST(channel.is_idle());
    BOOST_TEST(channel.is_used());
}

BOOST_AUTO_TEST_CASE(what_comes_during_a_job_is_the_next_one) {
    log_channel channel = opened();
    channel.take(1, "a\nb");
    log_job first = channel.begin();
    channel.take(1, "c\n");
    channel.take(1, "d");
    channel.take(2, "two\n");
    channel.take_piped(1, 100);
    channel.end(2);
    BOOST_TEST(shown(first) == "1:a\nb|");
    BOOST_TEST(channel.waiting() == 7U);
    BOOST_TEST(channel.pending() == 7U);
    channel.finish({});
    BOOST_TEST(channel.has_work());
    BOOST_TEST(shown(channel.begin()) == "1:c\nd|2:two\n|1:+100|2: ends|");
    BOOST_TEST(channel.waiting() == 0U);
}

BOOST_AUTO_TEST_CASE(a_job_that_could_not_be_begun_comes_again) {
    log_channel channel = opened();
    channel.take(1, "a\n");
    channel.take_back(channel.begin());
    BOOST_TEST(!channel.is_running());
    BOOST_TEST(channel.has_work());
    channel.take(1, "b\n");
    BOOST_TEST(channel.waiting() == 4U);
    BOOST_TEST(shown(channel.begin()) == "1:a\nb\n|");
}

BOOST_AUTO_TEST_CASE(after_an_exception_the_file_goes_on) {
    log_channel channel = opened();
    channel.limit_pending(16);
    channel.begin();
    channel.set_stuck(true);
    channel.take(1, std::string(20, 'a') + "\nb\n");
    channel.finish({});
    std::uint64_t lost = channel.dropped();
    channel.take(1, "c\n");
    BOOST_TEST(channel.begin().pieces.at(0).lost == lost);
    channel.abandon();
    channel.take(1, "d\n");
    channel.begin();
    channel.finish({});
    BOOST_TEST(lost > 0U);
    BOOST_TEST(channel.dropped() == lost); // the file has never heard of it
}

BOOST_AUTO_TEST_CASE(the_holder_of_the_file_is_waited_for) {
    log_channel channel = opened();
    channel.begin();
    channel.finish({.holder = 2});
    BOOST_TEST(channel.must_wait(1, noon));
    BOOST_TEST(!channel.must_wait(2, noon));
    BOOST_TEST(channel.must_wait(1, noon + log_file::patience - 1ms));
    BOOST_TEST(!channel.must_wait(1, noon + log_file::patience));
    channel.take(2, "x");
    channel.take(1, "a\n");
    BOOST_TEST(shown(channel.begin()) == "2:x|1:a\n insists|");
    channel.finish({});
    BOOST_TEST(!channel.must_wait(1, noon));
}

BOOST_AUTO_TEST_CASE(nothing_is_dropped_as_long_as_the_disk_may_answer) {
    log_channel channel = opened();
    channel.limit_pending(100);
    channel.begin();
    BOOST_TEST(channel.room() == 100U);
    channel.take(1, std::string(90, 'a'));
    BOOST_TEST(channel.room() == 10U);
    channel.take(1, std::string(90, 'b'));
    BOOST_TEST(channel.room() == 0U);
    BOOST_TEST(channel.dropped() == 0U);
}

BOOST_AUTO_TEST_CASE(the_oldest_lines_are_dropped_when_it_does_not) {
    log_channel channel = opened();
    channel.limit_pending(160);
    channel.take(1, "begun");
    channel.begin();
    channel.set_stuck(true);
    channel.take(1, " and so on\n" + std::string(99, 'a') + "\n");
    channel.take(2, "x\n");
    channel.take(1, "bb");
    channel.end(1);
    channel.take(2, std::string(59, 'y') + "\n");
    BOOST_TEST(channel.waiting() == 2U + 2 + 60);
    BOOST_TEST(channel.dropped() == 111U);
    BOOST_TEST(channel.dropped_meanwhile() == 111U);
    channel.finish({.count = {.dropped = 5}});
    BOOST_TEST(channel.dropped() == 116U);
    BOOST_TEST(shown(channel.begin()) ==
               "2:x\n|lost 111 1:bb ends|2:" + std::string(59, 'y') + "\n|");
    channel.finish({.count = {.dropped = 116}});
    BOOST_TEST(channel.dropped() == 116U);
}

BOOST_AUTO_TEST_CASE(the_rest_of_a_line_goes_with_its_beginning) {
    log_channel channel = opened();
    channel.limit_pending(64);
    channel.begin();
    channel.set_stuck(true);
    channel.take(1, std::string(70, 'a')); // dropped at once
    BOOST_TEST(channel.waiting() == 0U);
    channel.take(1, "aaa");
    channel.take(2, "two\n");
    channel.take(1, "aa\nb");
    BOOST_TEST(channel.dropped() == 76U);
    channel.finish({});
    BOOST_TEST(shown(channel.begin()) == "2:two\n|lost 76 1:b|");
}

BOOST_AUTO_TEST_CASE(what_is_in_the_pipe_is_not_dropped) {
    log_channel channel = opened();
    channel.limit_pending(160);
    BOOST_TEST(channel.can_take_piped(1));
    channel.take_piped(1, 1000);
    channel.set_stuck(true);
    BOOST_TEST(!channel.can_take_piped(1));
    for (int n = 0; n < 3; ++n)
        channel.take(n % 2 + 1, std::string(99, 'a') + "\n");
    BOOST_TEST(channel.dropped() == 200U);
    BOOST_TEST(channel.piped() == 1000U);
    BOOST_TEST(shown(channel.begin()) == "1:+1000|lost 100 1:" + std::string(99, 'a') + "\n|");
}

BOOST_AUTO_TEST_CASE(nothing_is_piped_after_what_may_be_dropped) {
    log_channel channel = opened();
    channel.limit_pending(64);
    channel.take(2, "two\n");
    BOOST_TEST(!channel.can_take_piped(1));
    channel.begin();
    channel.set_stuck(true);
    channel.take(1, std::string(70, 'a')); // dropped at once, up to the end of the line
    channel.finish({});
    channel.set_stuck(false);
    BOOST_TEST(channel.waiting() == 0U);
    BOOST_TEST(!channel.can_take_piped(1));
    BOOST_TEST(channel.can_take_piped(2));
    channel.take(1, "aa\nb\n");
    BOOST_TEST(shown(channel.begin()) == "lost 73 1:b\n|");
    BOOST_TEST(channel.can_take_piped(1));
}

BOOST_AUTO_TEST_CASE(output_waits_until_its_job_is_done) {
    log_channel channel = opened();
    BOOST_TEST(!channel.waits_since().has_value());
    channel.begin_wait(noon);
    channel.begin_wait(noon + 1s);
    channel.take_back(channel.begin());
    channel.begin();
    BOOST_TEST((channel.waits_since() == noon));
    channel.finish({});
    BOOST_TEST(!channel.waits_since().has_value());
}

BOOST_AUTO_TEST_CASE(short_lines_of_writers_that_alternate_are_bounded_too) {
    log_channel channel = opened();
    channel.limit_pending(64 * 1024);
    auto alternate = [&](std::uint64_t lines) {
        for (std::uint64_t n = 0; n < lines; ++n)
            channel.take(1 + n % 2, "\n");
    };
    alternate(60'000);
    BOOST_TEST(channel.room() == 0U);
    channel.set_stuck(true);
    alternate(60'000);
    std::uint64_t dropped = channel.dropped();
    log_job job = channel.begin();
    BOOST_TEST(job.pieces.size() * sizeof(log_job::piece) <= 64U * 1024);
    BOOST_TEST(job.pieces.size() > 900U);
    BOOST_TEST(job.pieces.size() + dropped == 120'000U);
}

BOOST_AUTO_TEST_CASE(of_a_piece_only_the_oldest_lines_are_dropped) {
    log_channel channel = opened();
    channel.limit_pending(160);
    channel.begin();
    channel.set_stuck(true);
    std::string lines;
    for (int n = 0; n < 100; ++n)
        lines += std::to_string(1000 + n) + "\n";
    channel.take(1, lines);
    BOOST_TEST(channel.waiting() == 150U);
    BOOST_TEST(channel.dropped() == 350U);
    channel.finish({});
    BOOST_TEST(shown(channel.begin()) == "lost 350 1:" + lines.substr(350) + "|");
}

BOOST_AUTO_TEST_CASE(writers_that_come_and_go_while_the_disk_is_stuck_leave_nothing) {
    for (bool talks : {false, true}) {
        log_channel channel = opened();
        channel.limit_pending(6000);
        channel.begin();
        channel.set_stuck(true);
        std::size_t given = 0;
        for (writer_id id = 3; id < 20'000; ++id) {
            channel.join(id);
            if (talks) channel.take(id, "begun");
            given += talks ? 5 : 0;
            channel.end(id);
        }
        BOOST_TEST(channel.dropped() + channel.waiting() == given);
        channel.end(2); // which the file knows
        std::uint64_t dropped = channel.dropped();
        channel.finish({});
        log_job job = channel.begin();
        BOOST_TEST(job.pieces.size() < 100U);
        BOOST_TEST(job.joined.size() < 100U);
        BOOST_TEST(job.joined.contains(19'999));
        BOOST_TEST((job.pieces.back().ends && job.pieces.back().from == 2));
        BOOST_TEST(job.lost == dropped);
        channel.finish({.count = {.dropped = dropped}});
        BOOST_TEST(channel.dropped() == dropped);
    }
}

BOOST_AUTO_TEST_CASE(random_output_keeps_its_lines) {
    std::mt19937 random(4711);
    for (int round = 0; round < 300; ++round) {
        log_channel channel = opened();
        channel.limit_pending(1000 + random() % 1000);
        channel.begin();
        channel.set_stuck(true);
        std::map<writer_id, std::string> given;
        std::size_t all = 0, kept = 0, lost = 0;
        for (int n = 0; n < 200; ++n) {
            writer_id from = 1 + random() % 2;
            std::string text(random() % 60, static_cast<char>('a' + random() % 26));
            for (char& c : text)
                if (random() % 10 == 0) c = '\n';
            given[from] += text;
            all += text.size();
            channel.take(from, text);
        }
        BOOST_TEST(channel.waiting() <= 2000U);
        std::uint64_t dropped = channel.dropped();
        channel.finish({});
        std::map<writer_id, std::string> got;
        for (const auto& piece : channel.begin().pieces) {
            if (piece.lost > 0) BOOST_TEST(got[piece.from].empty()); // the gap is before the rest
            got[piece.from] += piece.text;
            lost += piece.lost;
            kept += piece.text.size();
        }
        BOOST_TEST(kept + dropped == all);
        BOOST_TEST(lost <= dropped); // what is dropped of a line that goes on is told later
        for (writer_id from : {1, 2}) {
            const std::string& whole = given[from];
            const std::string& rest = got[from];
            BOOST_TEST(whole.ends_with(rest));
            bool begins_line = rest.size() == whole.size() || rest.empty() ||
                               whole[whole.size() - rest.size() - 1] == '\n';
            BOOST_TEST(begins_line);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::output
