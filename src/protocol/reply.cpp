// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/reply.hpp"

#include "protocol/json_text.hpp"

#include <boost/json/parse.hpp>

namespace einhyrningsins::protocol {
namespace {

namespace json = boost::json;

bool flag(const json::object& from, const char* name, bool otherwise) {
    const json::value* value = from.if_contains(name);
    return value && value->is_bool() ? value->get_bool() : otherwise;
}

} // namespace

reply refusal(std::string why) { return {.message = std::move(why), .ok = false}; }

std::string to_line(const reply& what, const std::optional<json::value>& id) {
    if (!id) return json_string(what.message) + "\n";
    // Put together as text: the data of a large group is not copied once more.
    std::string line = "{\"request_id\":" + json_text(*id) +
                       ",\"message\":" + json_string(what.message) +
                       ",\"ok\":" + (what.ok ? "true" : "false");
    if (what.data) line += ",\"data\":" + json_text(*what.data);
    if (what.wait) line += ",\"wait\":true";
    return line + "}\n";
}

std::optional<reply> parse_reply(std::string_view line) {
    json::error_code error;
    json::parse_options lenient;
    lenient.allow_invalid_utf8 = true; // a path may have any bytes
    json::value value = json::parse({line.data(), line.size()}, error, {}, lenient);
    if (error) return std::nullopt;
    reply made;
    if (auto* text = value.if_string()) {
        made.message.assign(text->data(), text->size());
        return made;
    }
    auto* object = value.if_object();
    auto* message = object ? object->if_contains("message") : nullptr;
    if (!message || !message->is_string()) return std::nullopt;
    made.message.assign(message->get_string().data(), message->get_string().size());
    made.ok = flag(*object, "ok", true);
    made.wait = flag(*object, "wait", false);
    if (auto* data = object->if_contains("data")) made.data = *data;
    return made;
}

} // namespace einhyrningsins::protocol
