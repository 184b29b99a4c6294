// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/system/result.hpp>

#include <compare>
#include <string>
#include <string_view>
#include <vector>

namespace einhyrningsins::config {

/// A position in a text. Both numbers count from 1; columns are characters.
struct text_position {
    unsigned line = 1;
    unsigned column = 1;
    auto operator<=>(const text_position&) const = default;
};

enum class toml_kind { text, integer, real, flag, date, list, table };

/// The kind with its article: "a string", "an array", ...
const char* with_article(toml_kind kind);

struct toml_entry;

/// A value of a TOML document, as plain data.
struct toml_value {
    toml_kind kind = toml_kind::table;
    text_position at;
    std::string text;              ///< of a string, a number (decimal) or a flag ("true", "false")
    std::vector<toml_value> items; ///< of a list
    std::vector<toml_entry> entries; ///< of a table, in the order of the document
};

struct toml_entry {
    std::string key;
    text_position at;
    toml_value value;
};

struct toml_syntax_error {
    text_position at;
    std::string what;
};

/// Parses a document and returns its top-level table. At most 100 parts per dotted name.
boost::system::result<toml_value, toml_syntax_error> parse_toml(std::string_view text);

} // namespace einhyrningsins::config
