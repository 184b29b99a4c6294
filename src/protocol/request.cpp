// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/request.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <cstdint>
#include <cstdio>

namespace einhyrningsins::protocol {
namespace {

namespace json = boost::json;
using complaint = std::optional<std::string>;

constexpr std::size_t deepest = 8;
constexpr std::int64_t highest_pid = 4 * 1024 * 1024; // PID_MAX_LIMIT, see proc(5)

std::string text_of(const json::string& value) { return {value.data(), value.size()}; }

complaint read_command(const json::value& value, request& into) {
    if (!value.is_string()) return "'command' must be a string";
    into.command = text_of(value.get_string());
    return std::nullopt;
}

complaint read_args(const json::value& value, request& into) {
    if (auto one = word_of(value)) {
        into.args = {*one};
        return std::nullopt;
    }
    if (value.is_null()) return std::nullopt;
    if (!value.is_array()) return "'args' must be an array of strings";
    for (const json::value& arg : value.get_array()) {
        auto one = word_of(arg);
        if (!one) return "'args' must be an array of strings";
        into.args.push_back(std::move(*one));
    }
    return std::nullopt;
}

complaint read_group(const json::value& value, request& into) {
    if (!value.is_string()) return "'group' must be a string";
    into.group = text_of(value.get_string());
    return std::nullopt;
}

complaint read_id(const json::value& value, request& into) {
    if (value.is_structured() || value.is_bool()) return "'id' must be a string or a number";
    if (!value.is_null()) into.id = json::value(value, json::storage_ptr());
    return std::nullopt;
}

complaint read_pid(const json::value& value, request& into) {
    json::error_code error;
    auto pid = value.to_number<std::int64_t>(error);
    if (error || pid < 0 || pid > highest_pid) return "'pid' must be a process id";
    into.pid = static_cast<int>(pid);
    return std::nullopt;
}

complaint read_request_id(const json::value& value, request& into) {
    auto text = word_of(value);
    if (!text || text->size() > 256) return "'request_id' must be a string of at most 256 bytes";
    into.request_id = *text;
    return std::nullopt;
}

struct key {
    const char* name;
    complaint (*read)(const json::value&, request&);
};

/// The id comes first, so that every other complaint can be answered to it.
constexpr key keys[] = {{"id", read_id},     {"command", read_command},
                        {"args", read_args}, {"group", read_group},
                        {"pid", read_pid},   {"request_id", read_request_id}};

complaint read(const json::object& from, request& into) {
    for (const key& one : keys)
        if (const json::value* value = from.if_contains(one.name))
            if (auto wrong = one.read(*value, into)) return wrong;
    if (into.command.empty()) return "'command' is missing";
    return std::nullopt;
}

} // namespace

std::optional<std::string> word_of(const json::value& value) {
    if (auto* text = value.if_string()) return text_of(*text);
    if (auto* number = value.if_double()) {
        char digits[32]; // json::serialize would make "5E-1" of 0.5
        std::snprintf(digits, sizeof digits, "%.15g", *number);
        return digits;
    }
    if (value.is_number()) return json::serialize(value);
    return std::nullopt;
}

boost::system::result<request, request_error> parse_request(std::string_view line) {
    // Most requests need no other memory than this.
    unsigned char buffer[2048];
    json::monotonic_resource memory(buffer);
    json::error_code error;
    json::parse_options limits;
    limits.max_depth = deepest;
    json::value value = json::parse({line.data(), line.size()}, error, &memory, limits);
    if (error) return request_error{"not JSON: " + error.message(), {}};
    if (!value.is_object())
        return request_error{"a request must be a JSON object with 'command'", {}};
    request made;
    if (auto wrong = read(value.get_object(), made)) return request_error{*wrong, made.id};
    return made;
}

std::string to_line(const request& what) {
    json::object object;
    if (what.id) object["id"] = *what.id;
    object["command"] = what.command;
    if (!what.args.empty()) object["args"] = json::array(what.args.begin(), what.args.end());
    if (!what.group.empty()) object["group"] = what.group;
    if (what.pid) object["pid"] = what.pid;
    if (!what.request_id.empty()) object["request_id"] = what.request_id;
    return json::serialize(object) + "\n";
}

} // namespace einhyrningsins::protocol
