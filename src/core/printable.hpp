// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// Text from outside (names, paths, what workers and clients send) as it may be shown: in a line of
/// a log, on a terminal, in JSON.
namespace einhyrningsins::core {

/// `text` as one line of well-formed UTF-8: a control character (U+0000 to U+001F, U+007F to
/// U+009F) becomes '?', and each byte that is not part of a well-formed character becomes U+FFFD,
/// which has three bytes.
std::string printable(std::string_view text);

/// The same for each line of `text`: its newlines stay.
std::string printable_lines(std::string_view text);

/// The longest beginning of `text` that has at most `longest` bytes and divides no character. In
/// text that is not UTF-8 it may divide anything. Valid as long as `text`.
std::string_view clipped(std::string_view text, std::size_t longest);

/// printable() in single quotes, for messages: "'text'". If that is longer than `longest` bytes,
/// only its beginning, with "..." before the closing quote. Quotes in `text` are not escaped.
std::string quoted(std::string_view text, std::size_t longest);

} // namespace einhyrningsins::core
