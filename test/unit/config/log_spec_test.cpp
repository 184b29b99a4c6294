// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/log_spec.hpp"

#include <boost/test/unit_test.hpp>

namespace einhyrningsins::config {

namespace {

std::string error_of(std::string_view text) {
    auto spec = parse_log_spec(text);
    return spec ? "no error" : spec.error().message;
}

} // namespace

BOOST_AUTO_TEST_SUITE(config_log_spec)

BOOST_AUTO_TEST_CASE(rotation_by_size) {
    auto spec = parse_log_spec("size:10240:5:/tmp/web1_out.log");
    BOOST_REQUIRE(spec);
    BOOST_TEST((spec->rotate == decltype(spec->rotate)(size_rotation{10240})));
    BOOST_TEST(spec->backups == 5U);
    BOOST_TEST(spec->path == "/tmp/web1_out.log");
    BOOST_TEST(spec->text == "size:10240:5:/tmp/web1_out.log");
}

BOOST_AUTO_TEST_CASE(rotation_by_time) {
    auto spec = parse_log_spec("time:12:H:U:0:out.log");
    BOOST_REQUIRE(spec);
    BOOST_TEST((spec->rotate == decltype(spec->rotate)(time_rotation{12, time_unit::hour, false})));
    BOOST_TEST(spec->backups == 0U);
    BOOST_TEST(spec->path == "out.log");
}

BOOST_AUTO_TEST_CASE(every_unit) {
    const std::pair<const char*, time_unit> units[]{{"S", time_unit::second},
                                                    {"M", time_unit::minute},
                                                    {"H", time_unit::hour},
                                                    {"D", time_unit::day},
                                                    {"MIDNIGHT", time_unit::midnight}};
    for (auto [word, unit] : units) {
        auto spec = parse_log_spec("time:2:" + std::string(word) + ":L:3:/var/log/x");
        BOOST_REQUIRE_MESSAGE(spec, word);
        BOOST_TEST((spec->rotate == decltype(spec->rotate)(time_rotation{2, unit, true})), word);
    }
}

BOOST_AUTO_TEST_CASE(a_path_may_hold_colons) {
    BOOST_TEST(parse_log_spec("size:1:1:/tmp/a:b:c")->path == "/tmp/a:b:c");
    BOOST_TEST(parse_log_spec("time:1:D:U:1:/tmp/a:b")->path == "/tmp/a:b");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_named) {
    const std::string forms =
        "must be size:BYTES:BACKUPS:PATH or time:N:S|M|H|D|MIDNIGHT:U|L:BACKUPS:PATH";
    BOOST_TEST(error_of("") == "'': " + forms);
    BOOST_TEST(error_of("/tmp/log") == "'/tmp/log': " + forms);
    BOOST_TEST(error_of("Size:1:1:/x") == "'Size:1:1:/x': " + forms);
    for (const char* bytes : {"0", "-1", "1k", "", "1125899906842625", "99999999999999999999"})
        BOOST_TEST(error_of("size:" + std::string(bytes) + ":1:/x").find(": BYTES must be") !=
                       std::string::npos,
                   bytes);
    for (const char* every : {"0", "", "1.5", "1000001"})
        BOOST_TEST(error_of("time:" + std::string(every) + ":D:L:1:/x").find(": N must be") !=
                       std::string::npos,
                   every);
    for (const char* unit : {"d", "", "W", "SS", "midnight"})
        BOOST_TEST(error_of("time:1:" + std::string(unit) + ":L:1:/x").find(": the unit must") !=
                       std::string::npos,
                   unit);
    for (const char* zone : {"", "u", "UTC", "1"})
        BOOST_TEST(error_of("time:1:D:" + std::string(zone) + ":1:/x").find(": the zone must") !=
                       std::string::npos,
                   zone);
}

BOOST_AUTO_TEST_CASE(the_end_is_checked_too) {
    for (const char* end : {"", ":/x", "-1:/x", "1001:/x", "x:/x", "/x", "5"})
        BOOST_TEST(error_of("size:1:" + std::string(end)).find(": BACKUPS must be") !=
                       std::string::npos,
                   end);
    for (const char* path : {"", "/", "/tmp/", "/tmp/..", "."})
        BOOST_TEST(error_of("size:1:1:" + std::string(path)).find(": PATH must name a file") !=
                       std::string::npos,
                   path);
    BOOST_TEST(error_of(std::string("size:1:1:/a\0b", 13)).find("null") != std::string::npos);
    BOOST_TEST(error_of("size:1:1:/" + std::string(231, 'a')).find("PATH is too long") !=
               std::string::npos);
    BOOST_TEST(error_of("size:1:1:/" + std::string(5000, 'a')).find("is too long") !=
               std::string::npos);
    BOOST_TEST(bool(parse_log_spec("size:1:1000:/" + std::string(230, 'a'))));
}

BOOST_AUTO_TEST_CASE(a_truncated_text_is_no_crash) {
    const std::string whole = "time:1:MIDNIGHT:L:7:/x";
    for (std::size_t length = 0; length < whole.size() - 1; ++length)
        BOOST_TEST(!parse_log_spec(whole.substr(0, length)), whole.substr(0, length));
}

BOOST_AUTO_TEST_CASE(a_device_is_no_log) {
    for (std::string path : {"/dev/null", "/dev/stdout", "/dev/fd/2", "//dev/./stderr",
                             "/var/../dev/full", "/proc/self/fd/1", "/sys/x"})
        BOOST_TEST(error_of("size:1:1:" + path) ==
                   "'size:1:1:" + path +
                       "': PATH must be a regular file that can be renamed; without this key the "
                       "output goes where the master's goes, and cmd = \"sh -c 'exec PROGRAM "
                       ">/dev/null'\" discards it");
    for (std::string path : {"/dev/shm/log", "/device/log", "dev/null", "/var/dev/null"})
        BOOST_TEST(error_of("size:1:1:" + path) == "no error");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::config
