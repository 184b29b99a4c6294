// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/json_text.hpp"

#include "core/utf8.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <utility>

namespace einhyrningsins::protocol {
namespace {

namespace json = boost::json;

/// What differs between the two.
struct style {
    bool is_yaml = false;
    const char* comma = ",";
    const char* colon = ":";
};
constexpr style as_json, as_yaml{true, ", ", ": "};

/// Whether YAML 1.1 forbids the character, takes it for the end of a line, or einhorn's clients for
/// the beginning of an escape.
bool is_special_in_yaml(char32_t c) {
    return (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0xFEFF || c == 0xFFFE ||
           c == 0xFFFF || c == '%' || c == '+';
}

void append_escaped(std::string& to, char32_t c) {
    char text[8];
    std::snprintf(text, sizeof text, "\\u%04x", static_cast<unsigned>(c & 0xFFFF));
    to += text;
}

void append_character(std::string& to, char32_t c, std::string_view bytes, const style& how) {
    if (c == core::ill_formed) return append_escaped(to, 0xFFFD);
    if (c == '\n') {
        to += "\\n";
    } else if (c == '"' || c == '\\') {
        to += '\\';
        to += bytes;
    } else if (c < ' ' || (how.is_yaml && is_special_in_yaml(c))) {
        append_escaped(to, c);
    } else {
        to += bytes;
    }
}

void append_string(std::string& to, std::string_view text, const style& how) {
    to += '"';
    while (!text.empty()) {
        std::string_view bytes = text;
        char32_t c = core::take_character(text);
        append_character(to, c, bytes.substr(0, bytes.size() - text.size()), how);
    }
    to += '"';
}

/// With a point, without which Ruby takes it for something else, and without a plus.
std::string number_text(double number) {
    if (std::isnan(number)) return "null";
    if (std::isinf(number)) return number > 0 ? "1e99999" : "-1e99999"; // which reads as infinite
    double size = std::abs(number);
    bool is_plain = number == 0 || (size >= 1e-6 && size < 1e15);
    char digits[64];
    auto form = is_plain ? std::chars_format::fixed : std::chars_format::scientific;
    std::string text(digits, std::to_chars(digits, std::end(digits), number, form).ptr);
    std::erase(text, '+');
    if (text.find_first_of(".e") == text.npos) text += ".0";
    return text;
}

void append(std::string& to, const json::value& value, const style& how) {
    const char* separator = "";
    if (auto* text = value.if_string()) {
        append_string(to, {text->data(), text->size()}, how);
    } else if (auto* list = value.if_array()) {
        to += '[';
        for (const json::value& one : *list) {
            to += std::exchange(separator, how.comma);
            append(to, one, how);
        }
        to += ']';
    } else if (auto* object = value.if_object()) {
        to += '{';
        for (const auto& [key, one] : *object) {
            to += std::exchange(separator, how.comma);
            append_string(to, {key.data(), key.size()}, how);
            to += how.colon;
            append(to, one, how);
        }
        to += '}';
    } else if (auto* number = value.if_double()) {
        to += number_text(*number);
    } else if (auto* whole = value.if_int64()) {
        to += std::to_string(*whole);
    } else {
        to += json::serialize(value);
    }
}

std::string text_of(const json::value& value, const style& how) {
    std::string text;
    append(text, value, how);
    return text;
}

std::string string_of(std::string_view value, const style& how) {
    std::string text;
    text.reserve(value.size() + 2);
    append_string(text, value, how);
    return text;
}

} // namespace

std::string json_text(const json::value& value) { return text_of(value, as_json); }
std::string json_string(std::string_view text) { return string_of(text, as_json); }

/// Outside of strings, JSON has no control characters but blanks, and inside none below U+0020.
std::string printable_json(std::string_view text) {
    std::string shown;
    shown.reserve(text.size());
    while (!text.empty()) {
        std::string_view bytes = text;
        char32_t c = core::take_character(text);
        if (c < ' ')
            shown += ' ';
        else if (c == core::ill_formed)
            append_escaped(shown, 0xFFFD);
        else if (c >= 0x7F && c < 0xA0)
            append_escaped(shown, c);
        else
            shown += bytes.substr(0, bytes.size() - text.size());
    }
    return shown;
}

std::string yaml_text(const json::value& value) { return text_of(value, as_yaml); }
std::string yaml_string(std::string_view text) { return string_of(text, as_yaml); }

} // namespace einhyrningsins::protocol
