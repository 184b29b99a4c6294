// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/assert.hpp"
#include "handoff/state.hpp"
#include "model/members.hpp"

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

/// Converts data to JSON and back, using the description of each struct and enumeration. Unknown
/// members are ignored and missing ones keep their default, so that older and newer programs
/// understand each other. (boost::json::value_to refuses both.)
namespace einhyrningsins::handoff {

/// A member that cannot be read. The text is where it is and what it should be, and continues the
/// name of its owner, as in ".groups.0.pid must be a whole number".
struct bad_member : std::runtime_error {
    using std::runtime_error::runtime_error;
};

namespace json = boost::json;

using model::described;
using model::named;

// Writing

/// For a string or a number, such as the id of a request. Boost.JSON does not read back all doubles
/// exactly as it wrote them, so a double is written as {"double": TEXT}.
json::value to_json(const json::value& value);
inline json::value to_json(const std::string& value) { return json::value(value); }
inline json::value to_json(core::duration value) { return value.count(); }
inline json::value to_json(core::time_point value) { return value.time_since_epoch().count(); }
inline json::value to_json(core::worker_id value) { return static_cast<std::uint64_t>(value); }
inline json::value to_json(const config::bind_spec& value) { return json::value(value.text); }
inline json::value to_json(const config::log_spec& value) { return json::value(value.text); }
json::value to_json(const core::ack_policy& value);
/// The state that operators see, see core::to_string.
json::value to_json(core::worker_state value);
/// States that look alike to operators are distinguished by the other members and by an additional
/// one, "spawn_requested".
json::value to_json(const core::worker& value);
/// The text of the SPEC, followed by " -4" or " -6" for a single family; empty: nothing.
json::value to_json(const std::optional<model::listener_spec>& value);

template <class T>
requires std::is_arithmetic_v<T> json::value to_json(T value) { return value; }

/// The enumerator's name.
template <named T>
json::value to_json(T value) {
    const char* found = nullptr;
    model::for_each_enumerator<T>([&](auto each) {
        if (each.value == value) found = each.name;
    });
    assert(found);
    return json::value(found);
}

template <class T>
json::value to_json(const std::vector<T>& value);
template <class T>
json::value to_json(const std::optional<T>& value);
json::value to_json(const std::map<unsigned, unsigned>& value);

template <described T>
json::value to_json(const T& value) {
    json::object object;
    model::for_each_member<T>(
        [&](auto member) { object[member.name] = to_json(value.*member.pointer); });
    return object;
}

template <class T>
json::value to_json(const std::vector<T>& value) {
    json::array array;
    for (const T& element : value)
        array.push_back(to_json(element));
    return array;
}

template <class T>
json::value to_json(const std::optional<T>& value) {
    return value ? to_json(*value) : json::value(nullptr);
}

// Reading; all of these throw bad_member.

void from_json(const json::value& from, json::value& into);
void from_json(const json::value& from, bool& into);
void from_json(const json::value& from, std::string& into);
void from_json(const json::value& from, core::duration& into);
void from_json(const json::value& from, core::time_point& into);
void from_json(const json::value& from, core::worker_id& into);
void from_json(const json::value& from, config::bind_spec& into);
void from_json(const json::value& from, config::log_spec& into);
void from_json(const json::value& from, core::ack_policy& into);
void from_json(const json::value& from, core::worker_state& into);
void from_json(const json::value& from, core::worker& into);
void from_json(const json::value& from, std::optional<model::listener_spec>& into);
void from_json(const json::value& from, std::map<unsigned, unsigned>& into);

[[noreturn]] void refuse_number(const std::string& least, const std::string& most);

/// A whole number within these bounds.
template <std::integral T>
T integer(const json::value& from, T least, T most) {
    using wide = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
    json::error_code error;
    wide number = from.to_number<wide>(error);
    if (error || number < least || number > most)
        refuse_number(std::to_string(least), std::to_string(most));
    return static_cast<T>(number);
}

template <std::integral T>
void from_json(const json::value& from, T& into) {
    using limits = std::numeric_limits<T>;
    into = integer<T>(from, limits::min(), limits::max());
}

[[noreturn]] void refuse_name(const std::string& known);

template <named T>
void from_json(const json::value& from, T& into) {
    std::string known;
    bool found = false;
    model::for_each_enumerator<T>([&](auto each) {
        known += (known.empty() ? "" : ", ") + std::string(each.name);
        if (!from.is_string() || from.get_string() != each.name) return;
        into = each.value;
        found = true;
    });
    if (!found) refuse_name(known);
}

template <class T>
void from_json(const json::value& from, std::vector<T>& into);
template <class T>
void from_json(const json::value& from, std::optional<T>& into);

/// Adds the name of a member of the owner in front of the error.
[[noreturn]] void rethrow_within(const std::string& name, const bad_member& inner);

const json::object& object_of(const json::value& from);
const json::array& array_of(const json::value& from);

template <described T>
void from_json(const json::value& from, T& into) {
    const json::object& object = object_of(from);
    model::for_each_member<T>([&](auto member) {
        const json::value* value = object.if_contains(member.name);
        if (!value) return;
        try {
            from_json(*value, into.*member.pointer);
        } catch (const bad_member& inner) {
            rethrow_within(member.name, inner);
        }
    });
}

template <class T>
void from_json(const json::value& from, std::vector<T>& into) {
    into.clear();
    for (const json::value& element : array_of(from)) {
        try {
            from_json(element, into.emplace_back());
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
