// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/status_table.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace einhyrningsins::protocol {

namespace {

namespace json = boost::json;

const char* const full = R"({
  "master": {"pid": 17, "version": "1.0.0", "uptime_s": 3725.5, "control_socket": "/tmp/e.sock"},
  "groups": [{"name": "web", "state": "upgrading", "generation": 3, "target": 2, "ready": 1,
    "listeners": [{"address": "127.0.0.1:80", "fd": 3, "name": "http"}],
    "logs": [{"path": "/log/good", "bytes": 5, "dropped_bytes": 0, "pending_bytes": 0, "failing": false,
              "last_error": "/log/good: once"},
             {"path": "/log/full", "bytes": 5, "dropped_bytes": 3072, "pending_bytes": 700,
              "failing": true, "last_error": "/log/full: No space left on device"}],
    "upgrade": {"mode": "rolling", "generation": 4, "acked": 1, "of": 2},
    "waits_for": "its first client", "helpers": [{"name": "upgrader", "pid": 321}],
    "deaths_before_ack": 2,
    "last_death": {"pid": 99, "cause": "exit code 3", "age_s": 0.1, "generation": 3},
    "workers": [
      {"pid": 1234, "index": 0, "generation": 3, "state": "ready", "age_s": 61, "restarts": 0,
       "memory_bytes": 12897485},
      {"pid": 5, "index": 10, "generation": 4, "state": "starting", "age_s": 0, "restarts": 12,
       "memory_bytes": 0}]}]})";

std::string table(const char* text, bool coloured = false) {
    return status_table(json::parse(text), coloured);
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines(1);
    for (char c : text)
        if (c == '\n')
            lines.emplace_back();
        else
            lines.back() += c;
    return lines;
}

/// Replaces each value by `instead`, one at a time, and shows what comes of it.
void spoil(json::value& whole, json::value& part, const json::value& instead) {
    json::value before = std::exchange(part, instead);
    for (const std::string& line : lines_of(status_table(whole, true)))
        BOOST_TEST(!line.ends_with(' '), json::serialize(whole));
    part = std::move(before);
    if (auto* object = part.if_object())
        for (auto& member : *object)
            spoil(whole, member.value(), instead);
    if (auto* array = part.if_array())
        for (json::value& element : *array)
            spoil(whole, element, instead);
}

} // namespace

BOOST_AUTO_TEST_SUITE(protocol_status_table)

BOOST_AUTO_TEST_CASE(the_whole_table) {
    BOOST_TEST(table(full) == "master 17, version 1.0.0, up 1h02m, /tmp/e.sock\n"
                              "\n"
                              "web: upgrading, generation 3, 1 of 2 ready\n"
                              "  upgrade: rolling, to generation 4, 1 of 2 ready\n"
                              "  listens on 127.0.0.1:80 (fd 3, http)\n"
                              "  logs to /log/good\n"
                              "  logs to /log/full, failing: No space left on device, 700 B wait, "
                              "3 KB dropped\n"
                              "  waits for its first client\n"
                              "  runs its upgrader, process 321\n"
                              "  deaths before ack in a row: 2\n"
                              "  last death: 99, exit code 3, after 0s, generation 3\n"
                              "   PID  INDEX  GEN  STATE       AGE  RESTARTS   MEMORY\n"
                              "  1234      0    3  ready     1m01s         0  12.3 MB\n"
                              "     5     10    4  starting     0s        12        -");
}

BOOST_AUTO_TEST_CASE(what_is_well_is_not_mentioned) {
    std::string text = table(R"({"groups":[{"name":"jobs","state":"running","generation":1,
        "target":1,"ready":1,"listeners":[],"upgrade":null,"deaths_before_ack":0,
        "last_death":null,"workers":[]}]})");
    BOOST_TEST(text == "jobs: running, generation 1, 1 of 1 ready");
}

BOOST_AUTO_TEST_CASE(the_trouble_of_the_master) {
    std::string text = table(R"({"master": {"pid": 17, "version": "1.0.0", "uptime_s": 1,
        "control_socket": "/tmp/e.sock", "trouble": "clients have to wait"}, "groups": []})");
    BOOST_TEST(text == "master 17, version 1.0.0, up 1s, /tmp/e.sock\n  clients have to wait");
}

BOOST_AUTO_TEST_CASE(colour_changes_nothing_else) {
    std::string text = table(full, true);
    BOOST_TEST(text.find("\033[32mready\033[0m") != std::string::npos);
    BOOST_TEST(text.find("\033[33mupgrading\033[0m") != std::string::npos);
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (text[i] == '\033')
            i = text.find('m', i);
        else
            plain += text[i];
    BOOST_TEST(plain == table(full));
}

BOOST_AUTO_TEST_CASE(ages_and_sizes_are_for_people) {
    auto row = [](const char* age, const char* bytes) {
        return lines_of(table((std::string(R"({"groups":[{"workers":[{"age_s":)") + age +
                               R"(,"memory_bytes":)" + bytes + "}]}]}")
                                  .c_str()))
            .back();
    };
    auto has = [](const std::string& text, const char* what) {
        return text.find(what) != std::string::npos;
    };
    BOOST_TEST(has(row("59.9", "1023"), " 59s "));
    BOOST_TEST(has(row("3599", "524288"), " 59m59s "));
    BOOST_TEST(has(row("3600", "524288"), "512 KB"));
    BOOST_TEST(has(row("86399", "1048576"), " 23h59m "));
    BOOST_TEST(has(row("86400", "1048576"), "1.0 MB"));
    BOOST_TEST(has(row("98765", "3221225472"), " 1d03h "));
    BOOST_TEST(has(row("-5", "3221225472"), "3.00 GB"));
    BOOST_TEST(has(row("1e300", "1e300"), "GB"));
}

BOOST_AUTO_TEST_CASE(any_json_will_do) {
    for (const char* text : {"null", "3", "\"x\"", "[]", "{}", R"({"groups":3})",
                             R"({"groups":[1,{"workers":3}]})", R"({"master":{}})"})
        BOOST_CHECK_NO_THROW(table(text));
    BOOST_TEST(table("{}") == "");
    BOOST_TEST(table(R"({"groups":[{"name":"\u001b[2J\n"}]})") ==
               "?[2J?: -, generation -, - of - ready");
    for (const char* instead : {"null", "{}", "[]", "[1]", "\"\"", "-1", "1e300", "true"}) {
        json::value whole = json::parse(full);
        spoil(whole, whole, json::parse(instead));
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::protocol
