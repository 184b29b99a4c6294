// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/utf8.hpp"
#include "core/assert.hpp"

#include <cstddef>

namespace einhyrningsins::core {
namespace {

/// How the first byte of a character of `size` bytes looks, and the least that needs so many.
struct form {
    unsigned char mask, mark;
    std::size_t size;
    char32_t least;
};
constexpr form forms[] = {
    {0x80, 0x00, 1, 0}, {0xE0, 0xC0, 2, 0x80}, {0xF0, 0xE0, 3, 0x800}, {0xF8, 0xF0, 4, 0x10000}};

bool is_scalar(char32_t c) { return c < 0xD800 || (c > 0xDFFF && c <= 0x10FFFF); }

/// The character of that form at the beginning of `text`.
char32_t decode(std::string_view text, const form& how) {
    if (text.size() < how.size) return ill_formed;
    char32_t c = static_cast<unsigned char>(text[0]) & static_cast<unsigned char>(~how.mask);
    for (char next : text.substr(1, how.size - 1)) {
        if ((next & 0xC0) != 0x80) return ill_formed;
        c = c << 6 | (next & 0x3F);
    }
    return c >= how.least && is_scalar(c) ? c : ill_formed;
}

} // namespace

char32_t take_character(std::string_view& rest) {
    assert(!rest.empty());
    for (const form& how : forms) {
        if ((static_cast<unsigned char>(rest[0]) & how.mask) != how.mark) continue;
        char32_t c = decode(rest, how);
        rest.remove_prefix(c == ill_formed ? 1 : how.size);
        return c;
    }
    rest.remove_prefix(1);
    return ill_formed;
}

} // namespace einhyrningsins::core
