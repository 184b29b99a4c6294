// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/einhorn_reply.hpp"

#include "protocol/einhorn_wording.hpp"
#include "protocol/request.hpp"
#include "protocol/yaml.hpp"

#include <boost/json/object.hpp>

namespace einhyrningsins::protocol {
namespace {

/// The state of a thousand workers has some hundred KB.
constexpr std::size_t longest_reply = 16 * 1024 * 1024;

/// As einhorn itself writes it.
std::optional<reply> parse_yaml_reply(std::string_view line) {
    auto value = parse_yaml(decode_percent(line), longest_reply);
    auto* object = value ? value->if_object() : nullptr;
    auto* message = object ? object->if_contains("message") : nullptr;
    if (!message) return std::nullopt;
    reply made;
    made.message = word_of(*message).value_or("");
    auto* wait = object->if_contains("wait");
    made.wait = wait && wait->is_bool() && wait->get_bool();
    return made;
}

} // namespace

std::optional<reply> parse_einhorn_reply(std::string_view line) {
    auto made = parse_reply(line);
    if (!made) made = parse_yaml_reply(line);
    if (made && made->message.starts_with(einhorn::failure)) made->ok = false;
    return made;
}

} // namespace einhyrningsins::protocol
