// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/request.hpp"

#include <boost/json/serialize.hpp>

#include <cstdio>

namespace einhyrningsins::protocol {

namespace json = boost::json;

std::optional<std::string> word_of(const json::value& value) {
    if (auto* text = value.if_string()) return std::string(text->data(), text->size());
    if (auto* number = value.if_double()) {
        char digits[32]; // json::serialize would make "5E-1" of 0.5
        std::snprintf(digits, sizeof digits, "%.15g", *number);
        return digits;
    }
    if (value.is_number()) return json::serialize(value);
    return std::nullopt;
}

json::object to_json(const request& what) {
    json::object object;
    if (what.id) object["id"] = *what.id;
    object["command"] = what.command;
    if (what.args_given || !what.args.empty())
        object["args"] = json::array(what.args.begin(), what.args.end());
    if (!what.group.empty()) object["group"] = what.group;
    if (what.pid) object["pid"] = what.pid;
    if (!what.request_id.empty()) object["request_id"] = what.request_id;
    if (!what.user.empty()) object["user"] = what.user;
    if (!what.wants_data) object["data"] = false;
    return object;
}

} // namespace einhyrningsins::protocol
