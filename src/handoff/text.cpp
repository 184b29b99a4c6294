// SPDX-License-Identifier: GPL-3.0-or-later
#include "handoff/text.hpp"

#include "handoff/archive.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <set>

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

void check_group(const group& one) {
    if (one.settings.name.empty()) throw bad_member(".settings.name is missing");
    if (one.settings.command.empty()) throw bad_member(".settings.command is missing");
    if (auto what = core::find_contradiction(one.state); !what.empty())
        throw bad_member(".state: " + what);
    for (const recipe& each : one.recipes)
        if (each.program.empty() || each.arguments.empty())
            throw bad_member(".recipes: one has no program");
}

/// No descriptor belongs to two, and none is one of the three that every process has.
void check_descriptors(const state& all) {
    std::set<int> seen;
    for (int fd : descriptors(all))
        if (fd < 3 || !seen.insert(fd).second)
            throw bad_member(": descriptor " + std::to_string(fd) + " is there twice or reserved");
}

void check_waiters(const state& all) {
    auto is_known = [&](int fd) {
        return std::ranges::find(all.connections, fd, &connection::fd) != all.connections.end();
    };
    for (const watch& one : all.watches)
        if (!is_known(one.fd)) throw bad_member(".watches: one has no connection");
    for (const wish& one : all.wishes)
        if (one.fd >= 0 && !is_known(one.fd)) throw bad_member(".wishes: one has no connection");
}

void check(const state& all) {
    if (all.groups.empty()) throw bad_member(".groups is empty");
    for (const group& one : all.groups)
        check_group(one);
    check_descriptors(all);
    check_waiters(all);
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
        check(all);
        return all;
    } catch (const bad_member& wrong) {
        return std::string("handed-over state") + wrong.what();
    }
}

} // namespace einhyrningsins::handoff
