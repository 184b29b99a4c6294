// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "handoff/fields.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

/// Data to JSON and back, from the one list of members that fields.hpp has for each struct. Unknown
/// members are ignored and missing ones keep their default, so that an older and a newer program
/// understand each other.
namespace einhyrningsins::handoff {

/// A member that cannot be read: where it is, and what it should be. Reads on after the name of its
/// owner, as in ".groups.0.pid must be a whole number".
struct bad_member : std::runtime_error {
    using std::runtime_error::runtime_error;
};

namespace json = boost::json;

template <class T>
concept described = requires(T& value) {
    fields([](const char*, auto&) {}, value);
};

template <class T>
concept named = std::is_enum_v<T> && requires(T value) {
    names_of(value);
};

// Writing

inline json::value to_json(const json::value& value) { return value; }
inline json::value to_json(const std::string& value) { return json::value(value); }
inline json::value to_json(core::duration value) { return value.count(); }
inline json::value to_json(core::time_point value) { return value.time_since_epoch().count(); }
inline json::value to_json(core::worker_id value) { return static_cast<std::uint64_t>(value); }
inline json::value to_json(const config::bind_spec& value) { return json::value(value.text); }
inline json::value to_json(const config::log_spec& value) { return json::value(value.text); }
json::value to_json(const core::ack_policy& value);

template <class T>
requires std::is_arithmetic_v<T> json::value to_json(T value) { return value; }

template <named T>
json::value to_json(T value) {
    return json::value(names_of(value)[static_cast<std::size_t>(value)]);
}

template <class T>
json::value to_json(const std::vector<T>& value);
template <class T>
json::value to_json(const std::optional<T>& value);
json::value to_json(const std::map<unsigned, unsigned>& value);

template <described T>
json::value to_json(const T& value) {
    json::object object;
    fields([&](const char* name, const auto& member) { object[name] = to_json(member); }, value);
    return object;
}

template <class T>
json::value to_json(const std::vector<T>& value) {
    json::array array;
    for (const T& one : value)
        array.push_back(to_json(one));
    return array;
}

template <class T>
json::value to_json(const std::optional<T>& value) {
    return value ? to_json(*value) : json::value(nullptr);
}

// Reading; all of these throw bad_member.

inline void from_json(const json::value& from, json::value& into) { into = from; }
void from_json(const json::value& from, bool& into);
void from_json(const json::value& from, std::string& into);
void from_json(const json::value& from, core::duration& into);
void from_json(const json::value& from, core::time_point& into);
void from_json(const json::value& from, core::worker_id& into);
void from_json(const json::value& from, config::bind_spec& into);
void from_json(const json::value& from, config::log_spec& into);
void from_json(const json::value& from, core::ack_policy& into);
void from_json(const json::value& from, std::map<unsigned, unsigned>& into);

std::int64_t integer(const json::value& from, std::int64_t least, std::int64_t most);

template <std::integral T>
void from_json(const json::value& from, T& into) {
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    using limits = std::numeric_limits<T>;
    bool wide = std::is_unsigned_v<T> && sizeof(T) == sizeof(std::int64_t);
    std::int64_t largest = wide ? most : static_cast<std::int64_t>(limits::max());
    into = static_cast<T>(integer(from, static_cast<std::int64_t>(limits::min()), largest));
}

/// The place of `from` among `names`.
std::size_t place_of(const json::value& from, const char* const* names, std::size_t count);

template <named T>
void from_json(const json::value& from, T& into) {
    auto names = names_of(into);
    into = static_cast<T>(place_of(from, names.data(), names.size()));
}

template <class T>
void from_json(const json::value& from, std::vector<T>& into);
template <class T>
void from_json(const json::value& from, std::optional<T>& into);

/// Says in which member of its owner a bad one is.
[[noreturn]] void rethrow_within(const std::string& name, const bad_member& inner);

const json::object& object_of(const json::value& from);
const json::array& array_of(const json::value& from);

template <described T>
void from_json(const json::value& from, T& into) {
    const json::object& object = object_of(from);
    auto read = [&](const char* name, auto& member) {
        const json::value* value = object.if_contains(name);
        if (!value) return;
        try {
            from_json(*value, member);
        } catch (const bad_member& inner) {
            rethrow_within(name, inner);
        }
    };
    fields(read, into);
}

template <class T>
void from_json(const json::value& from, std::vector<T>& into) {
    into.clear();
    for (const json::value& one : array_of(from)) {
        try {
            from_json(one, into.emplace_back());
        } catch (const bad_member& inner) {
            rethrow_within(std::to_string(into.size() - 1), inner);
        }
    }
}

template <class T>
void from_json(const json::value& from, std::optional<T>& into) {
    into.reset();
    if (!from.is_null()) from_json(from, into.emplace());
}

} // namespace einhyrningsins::handoff
