// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/order.hpp"

#include "core/signal_name.hpp"
#include "protocol/yaml.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <charconv>
#include <span>

namespace einhyrningsins::protocol {
namespace {

namespace json = boost::json;
using words = std::vector<std::string>;
using complaint = std::optional<std::string>;

std::string usage(const command& what) {
    std::string arguments = what.arguments;
    return "usage: " + std::string(what.name) + (arguments.empty() ? "" : " " + arguments);
}

/// Takes the group from the arguments left, if there is one.
complaint take_group(const command& what, const words& left, order& into) {
    if (left.size() > 1 || (left.size() == 1 && !into.group.empty())) return usage(what);
    if (!left.empty()) into.group = left[0];
    return std::nullopt;
}

complaint take_number(const command& what, words left, order& into) {
    unsigned number = 0;
    if (left.empty()) return usage(what);
    const std::string& text = left[0];
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < 1 || number > 10000)
        return quoted(text) + " is not a number of workers from 1 to 10000";
    into.number = number;
    left.erase(left.begin());
    return take_group(what, left, into);
}

complaint take_signals(const words& names, order& into) {
    for (const std::string& name : names) {
        auto number = core::signal_number(name);
        if (!number) return quoted(name) + " is no signal; write USR1, HUP, TERM, ...";
        into.signals.push_back(*number);
    }
    return std::nullopt;
}

/// The values of one option, as a command line would have them.
std::optional<words> option_values(const json::value& wish) {
    words values;
    std::span<const json::value> given(&wish, 1);
    if (auto* list = wish.if_array()) given = {list->data(), list->size()};
    for (const json::value& one : given) {
        auto value = word_of(one);
        if (!value) return std::nullopt;
        values.push_back(std::move(*value));
    }
    return values;
}

complaint take_changes(const command& what, const words& args, order& into) {
    auto value = joined(args);
    if (!value || !value->is_object()) return usage(what) + " (a JSON object or a YAML hash)";
    for (const auto& [key, wish] : value->get_object()) {
        std::string_view name(key.data(), key.size());
        if (name.starts_with(':')) name.remove_prefix(1); // a symbol of Ruby
        auto values = option_values(wish);
        if (!values)
            return quoted(name) + " must have a string, a number or a list of them as its value";
        into.changes.emplace_back(name, std::move(*values));
    }
    return std::nullopt;
}

complaint take_arguments(const command& what, const words& args, order& into) {
    switch (what.what) {
    case verb::set_workers: return take_number(what, args, into);
    case verb::signal: return args.empty() ? usage(what) : take_signals(args, into);
    case verb::die: return args.size() > 1 ? usage(what) : take_signals(args, into);
    case verb::config: return take_changes(what, args, into);
    default: break;
    }
    bool takes_group = std::string_view(what.arguments) == "[GROUP]";
    if (takes_group) return take_group(what, args, into);
    return args.empty() ? std::nullopt : complaint(usage(what));
}

} // namespace

std::optional<json::value> joined(const words& args) {
    std::string text;
    for (const std::string& arg : args)
        text += (text.empty() ? "" : " ") + arg;
    json::error_code error;
    json::value value = json::parse(text, error);
    if (!error) return value;
    auto yaml = parse_yaml(text);
    return yaml ? std::optional(std::move(*yaml)) : std::nullopt;
}

boost::system::result<order, std::string> parse_order(const request& from) {
    using answer = boost::system::result<order, std::string>;
    const command* known = find_command(from.command);
    if (!known) return answer(boost::system::in_place_error, unknown_command(from.command));
    order made;
    made.what = known->what;
    made.group = from.group;
    made.pid = from.pid;
    made.request_id = from.request_id;
    if (auto wrong = take_arguments(*known, from.args, made))
        return answer(boost::system::in_place_error, *wrong);
    return made;
}

} // namespace einhyrningsins::protocol
