// SPDX-License-Identifier: GPL-3.0-or-later
#include "handoff/text.hpp"

#include "handoff/archive.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace einhyrningsins::handoff {
namespace {

/// To be incremented when defaults are no longer enough to understand older states.
constexpr int format = 1;
constexpr std::size_t deepest = 16;

json::value parse_json(std::string_view text) {
    json::error_code error;
    json::parse_options lenient;
    lenient.allow_invalid_utf8 = true; // arguments and paths may contain arbitrary bytes
    lenient.max_depth = deepest;
    json::value value = json::parse({text.data(), text.size()}, error, {}, lenient);
    if (error) throw bad_member(" is not valid JSON: " + error.message());
    return value;
}

void check_format(const json::value& from) {
    const json::value* given = object_of(from).if_contains("format");
    if (!given || integer<int>(*given, 0, std::numeric_limits<int>::max()) != format)
        throw bad_member(".format must be " + std::to_string(format));
}

/// Earlier, two members named the language of a client.
void rename_dialects(json::value* clients) {
    if (!clients || !clients->is_array()) return;
    for (json::value& one : clients->get_array())
        for (const char* name : {"einhorn", "firestarter"})
            if (json::object* client = one.if_object())
                if (const json::value* is_so = client->if_contains(name);
                    is_so && *is_so == json::value(true))
                    (*client)["dialect"] = name;
}

/// Gives members the names that they have now, so that states of earlier versions are understood.
void rename_members(json::value& from) {
    json::object* all = from.if_object();
    if (!all) return;
    if (const json::value* earlier = all->if_contains("wishes")) {
        json::value copy = *earlier; // which an insertion would move
        (*all)["requests"] = std::move(copy);
    }
    rename_dialects(all->if_contains("requests"));
    rename_dialects(all->if_contains("watches"));
}

} // namespace

std::string to_text(const state& all) {
    json::value value = to_json(all);
    value.get_object()["format"] = format;
    return json::serialize(value);
}

boost::system::result<state, std::string> parse(std::string_view text) {
    try {
        json::value value = parse_json(text);
        check_format(value);
        rename_members(value);
        state all;
        from_json(value, all);
        drop_impossible_clients(all);
        if (auto wrong = find_contradiction(all); !wrong.empty()) throw bad_member(wrong);
        return all;
    } catch (const bad_member& wrong) {
        return std::string("handed-over state") + wrong.what();
    }
}

} // namespace einhyrningsins::handoff
