// SPDX-License-Identifier: GPL-3.0-or-later
#include "handoff/text.hpp"

#include "handoff/archive.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace einhyrningsins::handoff {
namespace {

/// Changes when what was written before cannot be understood any more by defaults alone.
constexpr int format = 1;
constexpr std::size_t deepest = 16;

json::value parse_json(std::string_view text) {
    json::error_code error;
    json::parse_options lenient;
    lenient.allow_invalid_utf8 = true; // arguments and paths may have any bytes
    lenient.max_depth = deepest;
    json::value value = json::parse({text.data(), text.size()}, error, {}, lenient);
    if (error) throw bad_member(" is no JSON: " + error.message());
    return value;
}

void check_format(const json::value& from) {
    const json::value* given = object_of(from).if_contains("format");
    if (!given || integer(*given, 0, std::numeric_limits<int>::max()) != format)
        throw bad_member(".format must be " + std::to_string(format));
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
        state all;
        from_json(value, all);
        if (auto wrong = find_contradiction(all); !wrong.empty()) throw bad_member(wrong);
        return all;
    } catch (const bad_member& wrong) {
        return std::string("handed-over state") + wrong.what();
    }
}

} // namespace einhyrningsins::handoff
