// SPDX-License-Identifier: GPL-3.0-or-later
//
// Apart from request.cpp, so that a client does not carry a parser of YAML.
#include "protocol/dialect.hpp"
#include "protocol/request.hpp"
#include "protocol/yaml.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <cstdint>

namespace einhyrningsins::protocol {
namespace {

namespace json = boost::json;
using complaint = std::optional<std::string>;
using answer = boost::system::result<request, request_error>;
using enum request_error::kind_type;

constexpr std::size_t deepest = 8;
constexpr std::int64_t highest_pid = 4 * 1024 * 1024; // PID_MAX_LIMIT, see proc(5)

std::string text_of(const json::string& value) { return {value.data(), value.size()}; }

complaint read_command(const json::value& value, request& into) {
    if (value.is_null()) return std::nullopt; // as if it were missing
    if (!value.is_string()) return "'command' must be a string";
    into.command = text_of(value.get_string());
    return std::nullopt;
}

complaint read_args(const json::value& value, request& into) {
    if (value.is_null()) return std::nullopt;
    into.args_given = true;
    if (auto one = word_of(value)) {
        into.args = {*one};
        return std::nullopt;
    }
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

/// A welcome does not fail because of it.
complaint read_user(const json::value& value, request& into) {
    into.user = word_of(value).value_or("");
    return std::nullopt;
}

complaint read_wants_data(const json::value& value, request& into) {
    if (!value.is_bool()) return "'data' must be true or false";
    into.wants_data = value.get_bool();
    return std::nullopt;
}

struct key {
    const char* name;
    complaint (*read)(const json::value&, request&);
};

/// The id comes first, so that every other complaint can be answered to it.
constexpr key keys[] = {{"id", read_id},     {"command", read_command},
                        {"args", read_args}, {"group", read_group},
                        {"pid", read_pid},   {"request_id", read_request_id},
                        {"user", read_user}, {"data", read_wants_data}};

request_error blame(const request& made, request_error::kind_type kind, std::string message) {
    return {std::move(message), made.id, kind, made.dialect, made.command};
}

/// Whoever wrote that speaks einhorn's dialect, even if it cannot be read.
bool looks_like_einhorn(std::string_view line) {
    return line.starts_with("---") || line.find("%0A") != line.npos;
}

answer parse_yaml_request(std::string_view line, const json::error_code& no_json,
                          const socket_kind& where) {
    auto value = parse_yaml(decode_percent(line));
    if (value && value->is_object()) return einhorn_dialect().parse_request(value->get_object());
    std::string message = "neither JSON (" + no_json.message() + ") nor a YAML hash";
    if (!value) message += " (" + value.error() + ")";
    const dialect& spoken = looks_like_einhorn(line) ? einhorn_dialect() : json_dialect_at(where);
    return blame(request{.dialect = spoken.name()}, unreadable, std::move(message));
}

} // namespace

answer read_request(const json::object& from, config::dialect_name dialect) {
    request made{.dialect = dialect};
    for (const key& one : keys)
        if (const json::value* value = from.if_contains(one.name))
            if (auto wrong = one.read(*value, made)) return blame(made, wrong_key, *wrong);
    if (made.command.empty()) return blame(made, no_command, "'command' is missing");
    return made;
}

answer parse_request(std::string_view line, const socket_kind& where) {
    // Most requests need no other memory than this.
    unsigned char buffer[2048];
    json::monotonic_resource memory(buffer);
    json::error_code error;
    json::parse_options limits;
    limits.max_depth = deepest;
    json::value value = json::parse({line.data(), line.size()}, error, &memory, limits);
    if (error) return parse_yaml_request(line, error, where);
    if (!value.is_object())
        return blame({.dialect = json_dialect_at(where).name()}, unreadable,
                     "a request must be a JSON object with 'command'");
    const json::object& object = value.get_object();
    for (const dialect* spoken : {&firestarter_dialect(), &einhorn_dialect()})
        if (spoken->takes(object, where)) return spoken->parse_request(object);
    return our_dialect().parse_request(object);
}

} // namespace einhyrningsins::protocol
