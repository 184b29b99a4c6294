// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/printable.hpp"

#include "core/utf8.hpp"

namespace einhyrningsins::core {
namespace {

constexpr std::string_view replacement_character = "\xEF\xBF\xBD"; // U+FFFD

bool is_control(char32_t c) { return c < ' ' || (c >= 0x7F && c < 0xA0); }

bool is_plain(char c) { return c >= ' ' && c < 0x7F; } // ASCII that is shown as it is

void append_printable(std::string& shown, std::string_view text) {
    while (!text.empty()) {
        if (is_plain(text[0])) {
            shown += text[0];
            text.remove_prefix(1);
            continue;
        }
        std::string_view from = text;
        char32_t c = take_character(text);
        if (c == ill_formed)
            shown += replacement_character;
        else if (is_control(c))
            shown += '?';
        else
            shown += from.substr(0, from.size() - text.size());
    }
}

} // namespace

std::string printable(std::string_view text) {
    std::string shown;
    shown.reserve(text.size());
    append_printable(shown, text);
    return shown;
}

std::string printable_lines(std::string_view text) {
    std::string shown;
    shown.reserve(text.size());
    for (std::size_t end; (end = text.find('\n')) != text.npos; text.remove_prefix(end + 1)) {
        append_printable(shown, text.substr(0, end));
        shown += '\n';
    }
    append_printable(shown, text);
    return shown;
}

std::string_view clipped(std::string_view text, std::size_t longest) {
    if (text.size() <= longest) return text;
    constexpr std::size_t longest_character = 4;
    std::size_t end = longest;
    while (end > 0 && longest - end < longest_character && (text[end] & 0xC0) == 0x80)
        --end;
    return text.substr(0, (text[end] & 0xC0) == 0x80 ? longest : end);
}

std::string quoted(std::string_view text, std::size_t longest) {
    std::string_view part = clipped(text, longest);
    std::string shown = printable(part); // which may be longer
    std::string_view kept = clipped(shown, longest);
    bool whole = part.size() == text.size() && kept.size() == shown.size();
    return "'" + std::string(kept) + (whole ? "'" : "...'");
}

} // namespace einhyrningsins::core
