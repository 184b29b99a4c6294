// SPDX-License-Identifier: GPL-3.0-or-later
//
// Every member of every struct that is handed over is preserved, whatever its value.
#include "handoff/archive.hpp"

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace einhyrningsins;
namespace json = boost::json;

/// Which value a member gets: the least, the most, or one at random (with a seed).
struct choice {
    enum { least, most, random } kind = least;
    std::mt19937_64 random_source{};
};

template <std::integral T>
void fill(T& value, choice& by) {
    using limits = std::numeric_limits<T>;
    switch (by.kind) {
    case choice::least: value = limits::min(); break;
    case choice::most: value = limits::max(); break;
    case choice::random: value = static_cast<T>(by.random_source()); break;
    }
}

void fill(bool& value, choice& by) {
    value = by.kind == choice::most || (by.kind == choice::random && by.random_source() % 2 == 0);
}

std::string every_byte() {
    std::string text;
    for (int byte = 0; byte < 256; ++byte)
        text += {static_cast<char>(byte), '"', static_cast<char>(255 - byte), '\\'};
    return text;
}

void fill(std::string& value, choice& by) { value = by.kind == choice::least ? "" : every_byte(); }

constexpr core::duration longest = core::duration::max() / 4; // of what is accepted

void fill(core::duration& value, choice& by) {
    value = by.kind == choice::least  ? core::duration{}
            : by.kind == choice::most ? longest
                                      : core::duration(by.random_source() % longest.count());
}

void fill(core::time_point& value, choice& by) {
    core::duration since{};
    fill(since, by);
    value = core::time_point(by.kind == choice::least ? -longest : since);
}

void fill(core::worker_id& value, choice& by) {
    std::uint64_t number = 0;
    fill(number, by);
    value = core::worker_id(number);
}

/// Of a worker with a process. All of them: every_state_of_a_worker_is_carried.
void fill(core::worker_state& value, choice& by) {
    using enum core::worker_state;
    constexpr core::worker_state all[] = {starting, ready, stopping};
    value = by.kind == choice::least  ? starting
            : by.kind == choice::most ? stopping
                                      : all[by.random_source() % std::size(all)];
}

void fill(core::ack_policy& value, choice& by) {
    core::duration time{};
    fill(time, by);
    switch (by.random_source() % 4) {
    case 0: value = core::ack_timer{time}; break;
    case 1: value = core::ack_manual{time}; break;
    case 2: value = core::ack_notify{time}; break;
    default: value = core::ack_none{};
    }
}

template <model::named T>
void fill(T& value, choice& by) {
    std::vector<T> all;
    model::for_each_enumerator<T>([&](auto each) { all.push_back(each.value); });
    value = by.kind == choice::least  ? all.front()
            : by.kind == choice::most ? all.back()
                                      : all[by.random_source() % all.size()];
}

void fill(config::bind_spec& value, choice&) {
    value = *config::parse_bind_spec("127.0.0.1:8080,r,n,name=http,backlog=7");
}

void fill(model::listener_spec& value, choice& by) {
    fill(value.spec, by);
    fill(value.family, by);
}

void fill(config::log_spec& value, choice& by) {
    bool by_time = by.kind == choice::least;
    value =
        *config::parse_log_spec(by_time ? "time:1:D:U:7:/log/a" : "size:1000000000000:1:/log/a");
}

/// What may be the id of a request.
void fill(json::value& value, choice& by) {
    std::uint64_t number = 0;
    fill(number, by);
    switch (by.random_source() % 4) {
    case 0: value = number; break;
    case 1: value = static_cast<std::int64_t>(number); break;
    case 2: value = every_byte(); break;
    default: value = nullptr;
    }
}

void fill(std::map<unsigned, unsigned>& value, choice& by) {
    fill(value[0], by);
    fill(value[std::numeric_limits<unsigned>::max()], by);
}

template <class T>
void fill(std::vector<T>& value, choice& by);
template <class T>
void fill(std::optional<T>& value, choice& by);

template <model::described T>
void fill(T& value, choice& by) {
    model::for_each_member<T>([&](auto member) { fill(value.*member.pointer, by); });
}

template <class T>
void fill(std::vector<T>& value, choice& by) {
    value.clear();
    for (int count = by.kind == choice::least ? 1 : 2; count > 0; --count)
        fill(value.emplace_back(), by);
}

template <class T>
void fill(std::optional<T>& value, choice& by) {
    fill(value.emplace(), by);
}

/// The first member that differs; empty: none.
template <class T>
std::string difference(const T& one, const T& other) {
    return one == other ? "" : " differs";
}

template <class T>
std::string difference(const std::vector<T>& one, const std::vector<T>& other);
template <class T>
std::string difference(const std::optional<T>& one, const std::optional<T>& other);

template <model::described T>
std::string difference(const T& one, const T& other) {
    std::string found;
    model::for_each_member<T>([&](auto member) {
        std::string inner = difference(one.*member.pointer, other.*member.pointer);
        if (!inner.empty() && found.empty()) found = "." + std::string(member.name) + inner;
    });
    return found;
}

template <class T>
std::string difference(const std::vector<T>& one, const std::vector<T>& other) {
    if (one.size() != other.size()) return " has another size";
    for (std::size_t place = 0; place < one.size(); ++place)
        if (auto inner = difference(one[place], other[place]); !inner.empty())
            return "." + std::to_string(place) + inner;
    return {};
}

template <class T>
std::string difference(const std::optional<T>& one, const std::optional<T>& other) {
    if (one.has_value() != other.has_value()) return " is there once";
    return one ? difference(*one, *other) : "";
}

template <class T>
T written_and_read(const T& value) {
    json::parse_options lenient;
    lenient.allow_invalid_utf8 = true;
    std::string text = json::serialize(handoff::to_json(value));
    T again{};
    handoff::from_json(json::parse(text, {}, lenient), again);
    return again;
}

void check(choice by) {
    handoff::state all;
    fill(all, by);
    handoff::state again;
    BOOST_REQUIRE_NO_THROW(again = written_and_read(all));
    BOOST_TEST(difference(all, again) == "");
}

enum class colour { red = 3, green = 1 };
BOOST_DESCRIBE_ENUM(colour, red, green)

} // namespace

BOOST_AUTO_TEST_SUITE(handoff_archive)

BOOST_AUTO_TEST_CASE(least_and_most_of_every_member) {
    check({.kind = choice::least});
    check({.kind = choice::most});
}

BOOST_AUTO_TEST_CASE(any_value_of_every_member) {
    for (unsigned seed = 0; seed < 200; ++seed)
        check({.kind = choice::random, .random_source = std::mt19937_64(seed)});
}

BOOST_AUTO_TEST_CASE(numbers_of_64_bits) {
    // Inodes of overlay and FUSE file systems use the highest bit.
    auto highest = std::numeric_limits<std::uint64_t>::max();
    handoff::socket_file file{"/a", highest, highest - 1};
    BOOST_TEST(written_and_read(file).device == highest);
    BOOST_TEST(written_and_read(file).inode == highest - 1);
}

BOOST_AUTO_TEST_CASE(doubles) {
    std::mt19937_64 random(1);
    for (int count = 0; count < 1000; ++count) {
        double number = std::generate_canonical<double, 64>(random) * 1e17 /
                        (1.0 + static_cast<double>(random() % 1000));
        json::value id = number;
        BOOST_TEST(written_and_read(id).as_double() == number);
    }
    for (double number : {0.0, -0.1, 5e-324, 1.7976931348623157e308})
        BOOST_TEST(written_and_read(json::value(number)).as_double() == number);
}

BOOST_AUTO_TEST_CASE(enumerators_go_by_their_names) {
    BOOST_TEST(handoff::to_json(colour::green).as_string() == "green");
    BOOST_TEST((written_and_read(colour::red) == colour::red));
    colour into{};
    BOOST_CHECK_EXCEPTION(handoff::from_json("blue", into), handoff::bad_member,
                          [](const auto& error) {
                              return std::string(error.what()) == " must be one of red, green";
                          });
}

BOOST_AUTO_TEST_CASE(what_a_listener_is_for) {
    using known = std::optional<model::listener_spec>;
    known both = model::listener_spec{*config::parse_bind_spec("[::]:80,r"), {}};
    known only_v6 = model::listener_spec{both->spec, config::ip_family::v6};
    BOOST_TEST(handoff::to_json(both).as_string() == "[::]:80,r");
    BOOST_TEST(handoff::to_json(only_v6).as_string() == "[::]:80,r -6");
    BOOST_TEST((written_and_read(both) == both));
    BOOST_TEST((written_and_read(only_v6) == only_v6));
    BOOST_TEST(!written_and_read(known()));
    BOOST_TEST(model::place_of(*both) != model::place_of(*only_v6));
}

BOOST_AUTO_TEST_CASE(numbers_out_of_bounds_are_refused) {
    std::uint8_t small = 0;
    BOOST_CHECK_EXCEPTION(
        handoff::from_json(256, small), handoff::bad_member, [](const auto& error) {
            return std::string(error.what()) == " must be a whole number from 0 to 255";
        });
    std::uint64_t large = 0;
    BOOST_CHECK_THROW(handoff::from_json(-1, large), handoff::bad_member);
    std::int64_t negative = 0;
    BOOST_CHECK_THROW(handoff::from_json(~0ULL, negative), handoff::bad_member);
    BOOST_CHECK_THROW(handoff::from_json(1.5, large), handoff::bad_member);
}

BOOST_AUTO_TEST_SUITE_END()
