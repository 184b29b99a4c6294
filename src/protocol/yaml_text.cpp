// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/yaml_text.hpp"

#include "protocol/utf8.hpp"

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

/// Whether YAML 1.1 forbids the character, takes it for the end of a line, or JSON forbids it.
bool is_special(char32_t c) {
    return c < ' ' || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0xFEFF ||
           c == 0xFFFE || c == 0xFFFF;
}

void append_escaped(std::string& to, char32_t c) {
    char text[8];
    std::snprintf(text, sizeof text, "\\u%04x", static_cast<unsigned>(c & 0xFFFF));
    to += text;
}

void append_character(std::string& to, char32_t c, std::string_view bytes) {
    if (c == ill_formed) return append_escaped(to, 0xFFFD);
    if (c == '\n') {
        to += "\\n";
    } else if (c == '"' || c == '\\') {
        to += '\\';
        to += bytes;
    } else if (is_special(c) || c == '%' || c == '+') {
        append_escaped(to, c);
    } else {
        to += bytes;
    }
}

/// With a point, without which Ruby takes it for something else, and without a plus.
std::string number_text(double number) {
    double size = std::abs(number);
    bool is_plain = number == 0 || (size >= 1e-6 && size < 1e15);
    char digits[64];
    auto form = is_plain ? std::chars_format::fixed : std::chars_format::scientific;
    std::string text(digits, std::to_chars(digits, std::end(digits), number, form).ptr);
    std::erase(text, '+');
    if (text.find_first_of(".e") == text.npos) text += ".0";
    return text;
}

void append(std::string& to, const json::value& value) {
    const char* separator = "";
    if (auto* text = value.if_string()) {
        to += yaml_string({text->data(), text->size()});
    } else if (auto* list = value.if_array()) {
        to += '[';
        for (const json::value& one : *list) {
            to += std::exchange(separator, ", ");
            append(to, one);
        }
        to += ']';
    } else if (auto* object = value.if_object()) {
        to += '{';
        for (const auto& [key, one] : *object) {
            to += std::exchange(separator, ", ") + yaml_string({key.data(), key.size()}) + ": ";
            append(to, one);
        }
        to += '}';
    } else if (auto* number = value.if_double()) {
        to += number_text(*number);
    } else {
        to += json::serialize(value);
    }
}

} // namespace

std::string yaml_string(std::string_view text) {
    std::string result = "\"";
    result.reserve(text.size() + 2);
    while (!text.empty()) {
        std::string_view bytes = text;
        char32_t c = take_character(text);
        append_character(result, c, bytes.substr(0, bytes.size() - text.size()));
    }
    return result + '"';
}

std::string yaml_text(const json::value& value) {
    std::string text;
    append(text, value);
    return text;
}

} // namespace einhyrningsins::protocol
