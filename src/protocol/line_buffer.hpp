// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace einhyrningsins::protocol {

/// The longest request, its newline included (SPEC section 8).
constexpr std::size_t longest_line = 65536;

/// Makes lines out of the pieces in which they arrive. Holds no memory while it is empty.
class line_buffer {
  public:
    /// Adds what was read from the client. The buffer has no limit of its own: the caller takes out
    /// all complete lines first, and adds nothing once overflowed() is true. So it holds at most
    /// one line and one piece.
    void append(std::string_view piece);

    /// Takes out the next complete line, without its end, "\n" or "\r\n"; valid until the next
    /// call. Nothing if there is none, or if the next one is too long.
    std::optional<std::string_view> next();

    /// What has not been taken out yet.
    std::string_view rest() const { return std::string_view(text_).substr(taken_); }

    /// Whether the next line is longer than longest_line, complete or not. Then next() returns
    /// nothing any more.
    bool overflowed() const;

  private:
    std::string text_;
    std::size_t taken_ = 0;    ///< what next() has returned
    std::size_t searched_ = 0; ///< known to have no newline after `taken_`
};

} // namespace einhyrningsins::protocol
