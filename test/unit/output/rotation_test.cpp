// SPDX-License-Identifier: GPL-3.0-or-later
#include "output/rotation.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <ctime>
#include <random>

namespace einhyrningsins::output {

namespace {

using namespace std::chrono;
using config::time_rotation;
using config::time_unit;
using names = std::vector<std::string>;

wall_time at(int year, unsigned mon, unsigned d, int h = 0, int min = 0, int s = 0) {
    return sys_days(std::chrono::year(year) / month(mon) / day(d)) + hours(h) + minutes(min) +
           seconds(s);
}

/// Local time is that of a place with summer time, whatever the machine's.
struct in_central_europe {
    in_central_europe() { set("CET-1CEST,M3.5.0,M10.5.0/3"); }
    ~in_central_europe() { set(nullptr); }
    static void set(const char* zone) {
        zone ? ::setenv("TZ", zone, 1) : ::unsetenv("TZ");
        ::tzset();
    }
};

time_rotation utc(time_unit unit, unsigned every = 1) { return {every, unit, false}; }
time_rotation local(time_unit unit, unsigned every = 1) { return {every, unit, true}; }

} // namespace

BOOST_FIXTURE_TEST_SUITE(output_rotation, in_central_europe)

BOOST_AUTO_TEST_CASE(the_next_rotation) {
    wall_time began = at(2026, 11, 21, 9, 8, 7);
    BOOST_TEST((next_rotation(utc(time_unit::second, 90), began) == at(2026, 11, 21, 9, 9, 37)));
    BOOST_TEST((next_rotation(utc(time_unit::minute, 5), began) == at(2026, 11, 21, 9, 13, 7)));
    BOOST_TEST((next_rotation(utc(time_unit::hour, 20), began) == at(2026, 11, 22, 5, 8, 7)));
    BOOST_TEST((next_rotation(utc(time_unit::day, 10), began) == at(2026, 12, 1, 9, 8, 7)));
    BOOST_TEST((next_rotation(utc(time_unit::midnight), began) == at(2026, 11, 22)));
    BOOST_TEST((next_rotation(utc(time_unit::midnight, 3), began) == at(2026, 11, 24)));
    BOOST_TEST((next_rotation(utc(time_unit::midnight), at(2026, 11, 21)) == at(2026, 11, 22)));
}

BOOST_AUTO_TEST_CASE(local_midnight_knows_summer_time) {
    // In the zone of the fixture, midnight is at 23:00 UTC in winter and at 22:00 in summer.
    time_rotation rule = local(time_unit::midnight);
    BOOST_TEST((next_rotation(rule, at(2026, 11, 21, 9)) == at(2026, 11, 21, 23)));
    BOOST_TEST((next_rotation(rule, at(2026, 11, 21, 23)) == at(2026, 11, 22, 23)));
    BOOST_TEST((next_rotation(rule, at(2026, 3, 28, 23)) == at(2026, 3, 29, 22)));
    BOOST_TEST((next_rotation(rule, at(2026, 10, 24, 22)) == at(2026, 10, 25, 23)));
}

BOOST_AUTO_TEST_CASE(a_stamp_is_as_fine_as_its_unit) {
    wall_time began = at(2026, 1, 2, 23, 4, 5);
    BOOST_TEST(stamp_of(utc(time_unit::second), began) == "20260102230405");
    BOOST_TEST(stamp_of(utc(time_unit::minute), began) == "202601022304");
    BOOST_TEST(stamp_of(utc(time_unit::hour), began) == "2026010223");
    BOOST_TEST(stamp_of(utc(time_unit::day), began) == "20260102");
    BOOST_TEST(stamp_of(utc(time_unit::midnight), began) == "20260102");
    BOOST_TEST(stamp_of(local(time_unit::hour), began) == "2026010300");
}

BOOST_AUTO_TEST_CASE(the_oldest_backups_are_surplus) {
    names there{"log.20260103", "log.20260101", "log.20260102_2", "log.20260102"};
    auto rule = utc(time_unit::day);
    BOOST_TEST(surplus_backups(there, "log", rule, 4) == names());
    BOOST_TEST(surplus_backups(there, "log", rule, 9) == names());
    BOOST_TEST(surplus_backups(there, "log", rule, 3) == names({"log.20260101"}));
    BOOST_TEST(surplus_backups(there, "log", rule, 1) ==
               names({"log.20260101", "log.20260102", "log.20260102_2"}));
    BOOST_TEST(surplus_backups(there, "log", rule, 0).size() == 4U);
    BOOST_TEST(surplus_backups({"log.20260101_10", "log.20260101_9"}, "log", rule, 1) ==
               names({"log.20260101_9"}));
}

BOOST_AUTO_TEST_CASE(other_files_are_never_surplus) {
    names others{"log",
                 "log.",
                 "log.1",
                 "log.2026010",
                 "log.20260101.gz",
                 "log.2026010x",
                 "log.2026010112",
                 "xlog.20260101",
                 "log.20260101_",
                 "log.20260101_x",
                 "log.20260101-2",
                 "log20260101"};
    BOOST_TEST(surplus_backups(others, "log", utc(time_unit::day), 0) == names());
}

BOOST_AUTO_TEST_CASE(numbers_go_up_by_one) {
    using steps = std::vector<renumbering>;
    BOOST_TEST((renumber(0, 3) == steps{{0, 1}}));
    BOOST_TEST((renumber(2, 3) == steps{{2, 3}, {1, 2}, {0, 1}}));
    BOOST_TEST((renumber(3, 3) == steps{{2, 3}, {1, 2}, {0, 1}}));
    BOOST_TEST((renumber(9, 1) == steps{{0, 1}}));
    BOOST_TEST((renumber(2, 0) == steps{}));
}

BOOST_AUTO_TEST_CASE(all_goes_where_nothing_is_near) {
    BOOST_TEST(writable_part("a\nb", {1000, std::nullopt, false, false}) == 3U);
    BOOST_TEST(writable_part("a\nb", {97, 100, false, false}) == 3U);
}

BOOST_AUTO_TEST_CASE(a_file_is_filled_with_whole_lines) {
    BOOST_TEST(writable_part("a\nb\nc\n", {95, 100, false, false}) == 4U);
    BOOST_TEST(writable_part("a\nb\nc\n", {99, 100, false, false}) == 0U);
    BOOST_TEST(writable_part("a\nb\nc\n", {100, 100, false, false}) == 0U);
    BOOST_TEST(writable_part("a\nb\nc\n", {400, 100, false, false}) == 0U);
    BOOST_TEST(writable_part("aaaaaaaa\n", {5, 10, false, false}) == 0U);
}

BOOST_AUTO_TEST_CASE(a_line_that_has_begun_is_ended_first) {
    BOOST_TEST(writable_part("aaa\nb\n", {99, 100, false, true}) == 4U);
    BOOST_TEST(writable_part("aaa", {100, 100, false, true}) == 3U);
    BOOST_TEST(writable_part("aaa\nb\n", {5, std::nullopt, true, true}) == 4U);
    BOOST_TEST(writable_part("aaa", {5, std::nullopt, true, true}) == 3U);
    BOOST_TEST(writable_part("aaa\n", {5, std::nullopt, true, false}) == 0U);
}

BOOST_AUTO_TEST_CASE(a_line_longer_than_a_file_gets_its_own) {
    const std::string line(50, 'a');
    BOOST_TEST(writable_part(line + "\nb\n", {0, 10, false, false}) == 51U);
    BOOST_TEST(writable_part(line + "\nb\n", {1, 10, false, false}) == 0U);
    // one without an end is cut at last
    BOOST_TEST(writable_part(line, {9 + longest_overrun, 10, false, true}) == 50U);
    BOOST_TEST(writable_part(line, {10 + longest_overrun, 10, false, true}) == 0U);
}

BOOST_AUTO_TEST_CASE(what_need_not_be_looked_at) {
    constexpr std::size_t mib = 1024 * 1024;
    BOOST_TEST(blind_part(mib, false, {0, std::nullopt, false, false}) == mib);
    BOOST_TEST(blind_part(10, false, {0, std::nullopt, false, false}) == 10U);
    BOOST_TEST(blind_part(mib, true, {0, std::nullopt, false, false}) == mib - looked_at);
    BOOST_TEST(blind_part(looked_at + 10, true, {0, std::nullopt, false, false}) == 0U);
    BOOST_TEST(blind_part(mib, false, {0, std::nullopt, true, false}) == 0U);
    BOOST_TEST(blind_part(mib, false, {0, mib, false, false}) == mib - longest_partial);
    BOOST_TEST(blind_part(mib, false, {mib, mib, false, false}) == 0U);
    BOOST_TEST(blind_part(mib, false, {2 * mib, mib, false, false}) == 0U);
    BOOST_TEST(blind_part(100, false, {0, 10240, false, false}) == 0U);
}

/// Random texts through the rules: nothing is lost, every file ends with a line, and none is larger
/// than its limit unless it is a single line.
BOOST_AUTO_TEST_CASE(random_texts_are_cut_between_lines) {
    std::mt19937 random(4);
    for (int round = 0; round < 500; ++round) {
        std::uint64_t most = 1 + random() % 60;
        std::string text;
        while (text.size() < 400)
            text += std::string(random() % 40, 'x') + "\n";
        names files{""};
        for (std::string_view rest = text; !rest.empty();) {
            std::string& file = files.back();
            bool mid_line = !file.empty() && file.back() != '\n';
            std::size_t part = writable_part(rest, {file.size(), most, false, mid_line});
            if (part == 0) {
                files.emplace_back();
                continue;
            }
            file += rest.substr(0, part);
            rest.remove_prefix(part);
        }
        std::string joined;
        for (const std::string& file : files) {
            BOOST_TEST(file.back() == '\n');
            BOOST_TEST((file.size() <= most || file.find('\n') == file.size() - 1));
            joined += file;
        }
        BOOST_TEST(joined == text);
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::output
