// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/toml_document.hpp"

// The only file that sees toml++, which is long.
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace einhyrningsins::config {
namespace {

text_position begin_of(const toml::source_region& region) {
    return {static_cast<unsigned>(region.begin.line), static_cast<unsigned>(region.begin.column)};
}

/// As a command line would have it, never with an exponent.
std::string decimal(double number) {
    std::array<char, 400> room{}; // the most digits before the point are 309
    auto end =
        std::to_chars(room.data(), room.data() + room.size(), number, std::chars_format::fixed).ptr;
    return {room.data(), end};
}

toml_value plain(const toml::node& node);

void fill(toml_value& into, const toml::array& array) {
    into.kind = toml_kind::list;
    for (const toml::node& item : array)
        into.items.push_back(plain(item));
}

/// The parser keeps a table sorted by its keys.
void fill(toml_value& into, const toml::table& table) {
    into.kind = toml_kind::table;
    for (const auto& [key, node] : table)
        into.entries.push_back({std::string(key.str()), begin_of(key.source()), plain(node)});
    std::ranges::stable_sort(into.entries, {}, &toml_entry::at);
}

toml_value plain(const toml::node& node) {
    toml_value into{.kind = toml_kind::date, .at = begin_of(node.source())};
    auto put = [&](toml_kind kind, std::string text) {
        into.kind = kind;
        into.text = std::move(text);
    };
    if (auto* text = node.as_string()) put(toml_kind::text, text->get());
    if (auto* number = node.as_integer()) put(toml_kind::integer, std::to_string(number->get()));
    if (auto* number = node.as_floating_point()) put(toml_kind::real, decimal(number->get()));
    if (auto* flag = node.as_boolean()) put(toml_kind::flag, flag->get() ? "true" : "false");
    if (auto* array = node.as_array()) fill(into, *array);
    if (auto* table = node.as_table()) fill(into, *table);
    return into;
}

} // namespace

const char* with_article(toml_kind kind) {
    switch (kind) {
    case toml_kind::text: return "a string";
    case toml_kind::integer: return "an integer";
    case toml_kind::real: return "a float";
    case toml_kind::flag: return "a boolean";
    case toml_kind::date: return "a date or time";
    case toml_kind::list: return "an array";
    case toml_kind::table: return "a table";
    }
    return "";
}

boost::system::result<toml_value, toml_syntax_error> parse_toml(std::string_view text) {
    toml::parse_result parsed = toml::parse(text);
    if (!parsed)
        return toml_syntax_error{begin_of(parsed.error().source()),
                                 std::string(parsed.error().description())};
    return plain(parsed.table());
}

} // namespace einhyrningsins::config
